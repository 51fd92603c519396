// verdicts.jsonl: one JSON object a line for every input, in the order of the inputs, although held
// fragments come to their end later than what followed them.
//
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "control/compile/compiler.h"
#include "tools/sluice/offline_dataplane.h"
#include "tools/sluice/replay/buffered_file.h"

namespace sluice {

class VerdictLines {
 public:
  // `ports` by PortIdx, those of every configuration to come.
  VerdictLines(std::string path, const std::vector<std::string>& ports);

  // What the other indices are called from now on.
  void Configure(const CompiledConfig& config);
  // The next input, numbered from 0 in the order of the calls.
  void Expect(int64_t time_ns, PortIdx port);
  // The end of an expected one.
  void Settle(const OfflineResult& result);
  // The rest; every expected one has been settled.
  const absl::Status& Finish();

 private:
  struct Line {
    int64_t time_ns = 0;
    PortIdx port;
    bool settled = false;
    std::string text;  // when settled
  };

  void Write(uint64_t number, const Line& line, const OfflineResult& result,
             std::string& out) const;
  const std::string& EniOf(InterfaceIdx side) const;

  BufferedFile file_;
  std::deque<Line> open_;  // from the first that is not written on
  uint64_t first_open_ = 0;
  // As JSON: "eni-web" in quotation marks, or null for a side that is no ENI. Names of what a later
  // configuration lacks stay: a fragment may have been held meanwhile.
  std::vector<std::string> enis_;   // by InterfaceIdx
  std::vector<std::string> ports_;  // by PortIdx
  std::vector<std::string> nacls_;  // by SubnetIdx, of this configuration
};

}  // namespace sluice
