// One screen of `sluice top`, from two answers of the daemon. Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sluice {

// What changed between two results of "top", as rates: {"seconds", "generation", "ports": [{"port",
// "rx_mpps", "tx_mpps", "rx_gbps", "tx_gbps", "drop_pps"}], "total": the same without "port",
// "drops": [{"reason", "verdict", "pps", "count"}] of reasons that occurred, most frequent first,
// "workers": [{"worker", "busy_percent"}], "sessions": {"counted", "cache_only", "capacity"},
// "nat_ports_in_use"}. Bits are those of frames, without preamble and FCS. A counter that ran back
// (another daemon answers now) counts as no change. Members that are missing or of another type
// count as 0.
nlohmann::ordered_json TopRates(const nlohmann::ordered_json& before,
                                const nlohmann::ordered_json& after);

// For people; at most kTopReasons reasons.
inline constexpr size_t kTopReasons = 12;
std::string TopText(const nlohmann::ordered_json& rates);

}  // namespace sluice
