// Datagrams in fragments (D-FRAG): what a sender does to one, act by act, so that whoever plays
// several plans at once interleaves them with each other, with other packets, with time and with
// changes of the configuration. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "tests/property/random_config.h"
#include "tests/property/scenario.h"

namespace sluice::testing {

struct FragmentAct {
  enum class Kind : uint8_t { kSend, kWait, kChange };
  Kind kind = Kind::kSend;
  Step step;            // kSend: all but the time
  int64_t wait_ns = 0;  // kWait: until so long after the plan's first frame
};

using FragmentPlan = std::deque<FragmentAct>;

class FragmentPlans {
 public:
  explicit FragmentPlans(Random& random) : random_(random) {}

  // Of two whole packets as MakeFrame makes them; most plans are about the first alone.
  FragmentPlan Make(const Step& packet, const Step& other);

 private:
  // Bytes of the datagram behind its IPv4 header.
  struct Range {
    size_t from = 0;
    size_t to = 0;
    bool more = true;
  };

  Frame Datagram(const Frame& packet);
  std::vector<Range> Cut(const Frame& whole);
  std::vector<Step> WholeDatagram(const Step& packet);
  std::vector<Step> Tiny(const Step& packet);
  std::vector<Step> Overlapping(const Step& packet);
  std::vector<Step> Duplicated(const Step& packet);
  std::vector<Step> WithoutFirst(const Step& packet);
  std::vector<Step> SharedId(const Step& packet, const Step& other);
  std::vector<Step> BadSize(const Step& packet);
  Range Beside(const std::vector<Range>& ranges);
  std::vector<Step> Pieces(const Step& packet, const Frame& whole, const std::vector<Range>& ranges,
                           PacketClass kind) const;
  void Disorder(std::vector<Step>& steps);
  void InsertAnywhere(std::vector<Step>& steps, Step step);

  Random& random_;
};

}  // namespace sluice::testing
