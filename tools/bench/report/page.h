// The report as one HTML file that needs no other. Any thread.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/report/drawings.h"
#include "tools/bench/report_reader.h"

namespace sluice {

// `machine`: nullptr when nothing was measured. `quick`: says that figures are not to be used.
std::string ReportPage(const std::vector<Drawing>& drawings, const ReadReport* machine, bool quick);

}  // namespace sluice
