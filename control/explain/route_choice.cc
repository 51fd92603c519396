#include "control/explain/route_choice.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

namespace sluice {
namespace {

// Length of the most specific prefix of the route that contains the address; -1 when none does.
int MatchedLength(const ValidatedIntent& intent, const Route& route, Ipv4Address address) {
  if (route.destination.has_value()) {
    return route.destination->Contains(address) ? route.destination->length : -1;
  }
  int longest = -1;
  const PrefixList* list = intent.FindPrefixList(route.prefix_list_id);
  if (list != nullptr) {
    for (const Ipv4Prefix& cidr : list->cidrs) {
      if (cidr.Contains(address)) {
        longest = std::max(longest, int{cidr.length});
      }
    }
  }
  return longest;
}

// Among equal destinations: 0 wins over 1 over 2.
int OriginRank(const Route& route) {
  if (route.propagated) {
    return 2;
  }
  return route.destination.has_value() ? 0 : 1;
}

}  // namespace

RouteChoice ChooseRoute(const ValidatedIntent& intent, const RouteTable& table,
                        Ipv4Address destination) {
  // Sorted so that the best comes first.
  std::vector<std::tuple<int, int, std::string, size_t>> matches;
  for (size_t i = 0; i < table.routes.size(); ++i) {
    const int length = MatchedLength(intent, table.routes[i], destination);
    if (length >= 0) {
      matches.emplace_back(-length, OriginRank(table.routes[i]), table.routes[i].prefix_list_id, i);
    }
  }
  std::sort(matches.begin(), matches.end());
  RouteChoice choice;
  if (!matches.empty()) {
    choice.best = &table.routes[std::get<3>(matches[0])];
  }
  if (matches.size() > 1) {
    choice.next_best = &table.routes[std::get<3>(matches[1])];
  }
  return choice;
}

}  // namespace sluice
