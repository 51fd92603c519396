// A configuration for plain forwarding: one ENI that sends, four appliances behind a second port,
// and a route table that spreads /8 networks over them. Every list is open, so that nothing but
// routing decides. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

// The networks N.0.0.0/8 that have a route, first to last.
inline constexpr uint32_t kFirstPlainNetwork = 16;
inline constexpr uint32_t kLastPlainNetwork = 99;

std::string PlainNetworkJson();

}  // namespace sluice
