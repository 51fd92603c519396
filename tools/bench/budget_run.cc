#include "tools/bench/budget_run.h"

#include <algorithm>
#include <set>

#include "perf/workload/schedule.h"

namespace sluice {
namespace {

// One line of the index and one of the session, but for what chance adds: the home bucket has
// overflowed (1.5 % of a full table's), or another key of it has the same tag (1 %).
constexpr double kMaxColdLines = 2.05;
constexpr double kMaxSessionBytes = 192;

using Lines = std::set<uintptr_t>;

const std::string& NameOf(const WatchedMemory& memory, uintptr_t address) {
  static const std::string none = "nowhere";
  for (const WatchedMemory::Region& region : memory.regions()) {
    if (region.Holds(address)) {
      return region.name;
    }
  }
  return none;
}

// Distinct lines that one packet read or wrote, by what they hold.
struct PacketLines {
  Lines index, session, cold, table;
  uintptr_t own = 0;  // the session line that it wrote

  Lines& Of(const std::string& region) {
    return region == "session_lines"         ? session
           : region == "session_index"       ? index
           : region.rfind("session", 0) == 0 ? cold
                                             : table;
  }
};

// Lines of a pair lie side by side, the first at an even place.
uint64_t PeerLines(const PacketLines& lines) {
  return lines.own != 0 ? lines.session.count(lines.own ^ 1) : 0;
}

// One packet into the totals; what it wrote of session lines into `written`.
void CountAccesses(const WatchedMemory& memory, const std::vector<MemoryAccess>& accesses,
                   Lines& written, BudgetResult& result) {
  PacketLines lines;
  for (const MemoryAccess& access : accesses) {
    const std::string& region = NameOf(memory, access.address);
    lines.Of(region).insert(access.line());
    if (!access.write) {
      continue;
    }
    if (region == "session_lines") {
      lines.own = access.line();
      written.insert(access.line());
      ++result.own_writes;
    } else {
      ++result.shared_writes;
      result.first_shared_write =
          result.first_shared_write.empty() ? region : result.first_shared_write;
    }
  }
  result.index_lines += lines.index.size();
  result.session_lines += lines.session.size();
  result.peer_lines += PeerLines(lines);
  result.cold_lines += lines.cold.size();
  result.table_lines += lines.table.size();
  result.most_lines =
      std::max<uint64_t>(result.most_lines, lines.index.size() + lines.session.size());
}

void Load(Workbench& bench, const Stamp& stamp) {
  bench.ReadClock();
  bench.driver().Load(&stamp, 1);
}

void RunDirection(Workbench& bench, const WatchedMemory& memory, const BudgetOptions& options,
                  Direction direction, Lines& written, BudgetResult& result) {
  ScheduleOptions schedule;
  schedule.direction = direction;
  schedule.sizes = *FrameSizes::Parse("64");
  schedule.packets = options.packets;
  schedule.seed = options.seed;
  const std::vector<Stamp> stamps = MakeSchedule(bench.flows(), bench.links(), schedule);
  // All of them once, so that no flow was idle since it was opened.
  for (const Stamp& stamp : stamps) {
    Load(bench, stamp);
    bench.driver().Judge();
  }
  const uint64_t hits = bench.dataplane().counters().session_hits.Read();
  const AccessTrace trace(memory);
  for (const Stamp& stamp : stamps) {
    Load(bench, stamp);
    CountAccesses(memory, trace.Of([&] { bench.driver().Judge(); }), written, result);
    result.forwarded += bench.driver().Send();
  }
  result.packets += stamps.size();
  result.hits += bench.dataplane().counters().session_hits.Read() - hits;
}

}  // namespace

BudgetResult MeasureBudget(Workbench& bench, const WatchedMemory& memory,
                           const BudgetOptions& options) {
  BudgetResult result;
  Lines out, in;
  RunDirection(bench, memory, options, Direction::kOut, out, result);
  RunDirection(bench, memory, options, Direction::kIn, in, result);
  result.contested_lines = static_cast<uint64_t>(
      std::count_if(out.begin(), out.end(), [&](uintptr_t line) { return in.count(line) != 0; }));
  result.bytes_per_session = bench.bytes_per_session();
  return result;
}

std::vector<std::string> BrokenBudget(const BudgetResult& result) {
  std::vector<std::string> broken;
  const auto claim = [&](bool holds, const std::string& what) {
    if (!holds) {
      broken.push_back(what);
    }
  };
  const auto packets = static_cast<double>(result.packets);
  claim(result.packets != 0 && result.forwarded == result.packets && result.hits == result.packets,
        std::to_string(result.packets) + " packets, " + std::to_string(result.forwarded) +
            " forwarded, " + std::to_string(result.hits) + " hits of the session cache");
  const double lines = static_cast<double>(result.index_lines + result.session_lines) / packets;
  claim(lines <= kMaxColdLines, "cold lines a packet: " + std::to_string(lines) + ", allowed 2");
  claim(result.peer_lines == 0, "packets that touched the other direction's line: " +
                                    std::to_string(result.peer_lines) + ", allowed 0");
  claim(result.cold_lines == 0, "lines of a pair's cold part touched: " +
                                    std::to_string(result.cold_lines) + ", allowed 0");
  claim(result.shared_writes == 0,
        "writes to shared memory: " + std::to_string(result.shared_writes) + ", first to " +
            result.first_shared_write);
  claim(result.own_writes != 0, "no session line was written: nothing was traced");
  claim(result.contested_lines == 0,
        "lines written by both directions: " + std::to_string(result.contested_lines));
  claim(result.bytes_per_session <= kMaxSessionBytes,
        "bytes a session: " + std::to_string(result.bytes_per_session) + ", allowed 192");
  return broken;
}

}  // namespace sluice
