#include "tools/bench/byte_check.h"

#include <algorithm>

#include "perf/workload/output_check.h"

namespace sluice {

void ByteCheck::Add(const std::string& complaint) {
  ++sampled;
  wrong += complaint.empty() ? 0 : 1;
  first_wrong = first_wrong.empty() ? complaint : first_wrong;
}

void ByteCheck::Add(const ByteCheck& more) {
  sampled += more.sampled;
  wrong += more.wrong;
  first_wrong = first_wrong.empty() ? more.first_wrong : first_wrong;
}

void ByteCheck::Judge(const std::string& when, std::vector<std::string>& broken) const {
  if (sampled == 0) {
    broken.push_back("no packet was sampled " + when);
  } else if (wrong != 0) {
    broken.push_back("sampled packets with wrong bytes " + when + ": " + std::to_string(wrong) +
                     " of " + std::to_string(sampled) + " (" + first_wrong + ")");
  }
}

ByteCheck CheckEstablished(Workbench& bench, const std::vector<Stamp>& stamps, uint64_t count) {
  ByteCheck result;
  OutputCheck check(bench.config(), bench.flows(), bench.links());
  BurstDriver& driver = bench.driver();
  size_t next = 0;
  uint32_t length = 1;
  while (next < stamps.size() && result.sampled < count) {
    const auto some = static_cast<uint32_t>(std::min<size_t>(length, stamps.size() - next));
    driver.Load(&stamps[next], some);
    driver.Judge();
    const std::vector<SentPacket> outputs = driver.Outputs(static_cast<uint32_t>(next));
    driver.Send();
    for (const SentPacket& sent : outputs) {
      result.Add(check.Complaint(stamps[sent.stamp_idx], sent));
    }
    next += some;
    length = length == driver.burst() ? 1 : length + 1;
  }
  return result;
}

}  // namespace sluice
