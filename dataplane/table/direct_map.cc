#include "dataplane/table/direct_map.h"

#include <algorithm>

namespace sluice {
namespace {

// Walks ranges block by block of 256 addresses:
//   sink.Run(first block, number, payload)  whole blocks
//   sink.Group(block)                       a block in parts; they follow
//   sink.Part(first, last, payload)         addresses of it, 0..255
template <typename Sink>
void WalkBlocks(std::span<const KeyRange> ranges, Sink& sink) {
  uint64_t next = 0;
  for (const KeyRange& range : ranges) {
    while (next <= range.end) {
      const auto block = static_cast<uint32_t>(next >> 8);
      if ((next & 0xff) == 0 && range.end >= (next | 0xff)) {
        const auto past = static_cast<uint32_t>((uint64_t{range.end} + 1) >> 8);
        sink.Run(block, past - block, range.payload);
        next = uint64_t{past} << 8;
        continue;
      }
      if ((next & 0xff) == 0) {
        sink.Group(block);
      }
      const uint64_t last = std::min<uint64_t>(range.end, next | 0xff);
      sink.Part(next & 0xff, last & 0xff, range.payload);
      next = last + 1;
    }
  }
}

// Makes nodes of blocks in order; without memory it only counts.
template <typename Entry>
class NodeWriter {
 public:
  NodeWriter(DirectNode<Entry>* nodes, Entry* entries, size_t groups_in_all)
      : nodes_(nodes), entries_(entries), list_end_(groups_in_all * 256) {}

  size_t group_count() const { return group_count_; }
  size_t list_end() const { return list_end_; }

  void Run(uint32_t block, uint32_t count, uint32_t payload) {
    Append(block, count, static_cast<Entry>(payload & static_cast<Entry>(~kDirectGroup<Entry>)));
  }
  void Group(uint32_t block) {
    Append(block, 1, static_cast<Entry>(kDirectGroup<Entry> | group_count_++));
  }
  void Part(size_t first, size_t last, uint32_t payload) {
    if (entries_ != nullptr) {
      Entry* group = entries_ + (group_count_ - 1) * 256;
      std::fill(group + first, group + last + 1,
                static_cast<Entry>(payload & static_cast<Entry>(~kDirectGroup<Entry>)));
    }
  }

 private:
  void Append(uint32_t block, uint32_t count, Entry entry) {
    while (count != 0) {
      const uint32_t at = block % kDirectNodeBlocks;
      if (at == 0 && count >= kDirectNodeBlocks) {
        const uint32_t whole = count / kDirectNodeBlocks;
        if (nodes_ != nullptr) {
          std::fill_n(nodes_ + block / kDirectNodeBlocks, whole, DirectNode<Entry>{1, {entry}});
        }
        block += whole * kDirectNodeBlocks;
        count -= whole * kDirectNodeBlocks;
        continue;
      }
      const uint32_t here = std::min(count, kDirectNodeBlocks - at);
      if (at == 0 || entry != list_[length_ - 1]) {
        change_ |= 1u << at;
        list_[length_++] = entry;
      }
      if (at + here == kDirectNodeBlocks) {
        Flush(block / kDirectNodeBlocks);
      }
      block += here;
      count -= here;
    }
  }

  void Flush(uint32_t node_idx) {
    DirectNode<Entry> node{static_cast<Entry>(change_), {}};
    if (length_ <= DirectNode<Entry>::kInlineEntries) {
      std::copy_n(list_, length_, node.entry);
    } else {
      node.change = static_cast<Entry>(node.change & ~1u);
      node.SetListAt(static_cast<uint32_t>(list_end_));
      if (entries_ != nullptr) {
        std::copy_n(list_, length_, entries_ + list_end_);
      }
      list_end_ += length_;
    }
    if (nodes_ != nullptr) {
      nodes_[node_idx] = node;
    }
    change_ = 0;
    length_ = 0;
  }

  DirectNode<Entry>* nodes_;
  Entry* entries_;
  size_t list_end_;
  size_t group_count_ = 0;
  // The node at hand.
  uint32_t change_ = 0;
  uint32_t length_ = 0;
  Entry list_[kDirectNodeBlocks] = {};
};

template <typename Entry>
void Fill(std::span<const KeyRange> ranges, size_t group_count, void* nodes, void* entries) {
  NodeWriter<Entry> writer(static_cast<DirectNode<Entry>*>(nodes), static_cast<Entry*>(entries),
                           group_count);
  WalkBlocks(ranges, writer);
}

}  // namespace

DirectSizes SizeDirect(std::span<const KeyRange> ranges) {
  NodeWriter<uint32_t> counter(nullptr, nullptr, 0);
  WalkBlocks(ranges, counter);
  const bool narrow = counter.group_count() <= kDirectGroup<uint16_t> &&
                      std::all_of(ranges.begin(), ranges.end(), [](const KeyRange& range) {
                        return range.payload < 0x7fff || range.payload == 0xffffffffu;
                      });
  return {narrow ? 2u : 4u, counter.group_count(), counter.list_end()};
}

void FillDirect(std::span<const KeyRange> ranges, const DirectSizes& sizes, void* nodes,
                void* entries) {
  if (sizes.entry_bytes == 2) {
    Fill<uint16_t>(ranges, sizes.group_count, nodes, entries);
  } else {
    Fill<uint32_t>(ranges, sizes.group_count, nodes, entries);
  }
}

}  // namespace sluice
