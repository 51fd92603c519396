#include "tools/sluice/top_screen.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/telemetry/text_table.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

const Json& At(const Json& json, const std::string& member) {
  static const Json none;
  const auto found = json.is_object() ? json.find(member) : json.end();
  return json.is_object() && found != json.end() ? *found : none;
}

double Number(const Json& json, const std::string& member) {
  const Json& value = At(json, member);
  return value.is_number() ? value.get<double>() : 0.0;
}

std::string Text(const Json& json, const std::string& member) {
  const Json& value = At(json, member);
  return value.is_string() ? value.get<std::string>() : "";
}

// The element whose `key` is the same as in `like`.
const Json& Same(const Json& list, const Json& like, const std::string& key) {
  static const Json none;
  for (const Json& element : list) {
    if (At(element, key) == At(like, key)) {
      return element;
    }
  }
  return none;
}

double Rise(const Json& before, const Json& after, const std::string& member) {
  return std::max(0.0, Number(after, member) - Number(before, member));
}

struct Rates {
  double rx_packets = 0;
  double tx_packets = 0;
  double rx_bytes = 0;
  double tx_bytes = 0;
  double drops = 0;

  void Add(const Json& before, const Json& after) {
    rx_packets += Rise(before, after, "received");
    tx_packets += Rise(before, after, "sent");
    rx_bytes += Rise(before, after, "received_bytes");
    tx_bytes += Rise(before, after, "sent_bytes");
    drops += Rise(before, after, "dropped");
  }
  Json ToJson(double seconds) const {
    return {{"rx_mpps", rx_packets / seconds / 1e6},
            {"tx_mpps", tx_packets / seconds / 1e6},
            {"rx_gbps", rx_bytes * 8 / seconds / 1e9},
            {"tx_gbps", tx_bytes * 8 / seconds / 1e9},
            {"drop_pps", drops / seconds}};
  }
};

void AddReasons(const Json& before, const Json& after, const char* list, const char* verdict,
                double seconds, std::vector<Json>& drops) {
  const Json& now = At(At(after, "total"), list);
  if (!now.is_object()) {
    return;
  }
  for (const auto& [reason, count] : now.items()) {
    if (count.is_number() && count.get<double>() > 0) {
      drops.push_back({{"reason", reason},
                       {"verdict", verdict},
                       {"pps", Rise(At(At(before, "total"), list), now, reason) / seconds},
                       {"count", count}});
    }
  }
}

Json WorkerRates(const Json& before, const Json& after) {
  Json workers = Json::array();
  for (const Json& worker : At(after, "workers")) {
    const Json& then = Same(At(before, "workers"), worker, "worker");
    const double total = Rise(then, worker, "total_ticks");
    const double busy = Rise(then, worker, "busy_ticks");
    workers.push_back({{"worker", At(worker, "worker")},
                       {"busy_percent", total > 0 ? std::min(100.0, 100 * busy / total) : 0.0}});
  }
  return workers;
}

}  // namespace

Json TopRates(const Json& before, const Json& after) {
  const double elapsed = Rise(before, after, "time_ns") / 1e9;
  const double seconds = elapsed > 0 ? elapsed : 1.0;
  Json ports = Json::array();
  Rates total;
  for (const Json& port : At(after, "ports")) {
    const Json& then = Same(At(before, "ports"), port, "port");
    Rates rates;
    rates.Add(then, port);
    total.Add(then, port);
    Json row = {{"port", At(port, "port")}};
    row.update(rates.ToJson(seconds));
    ports.push_back(std::move(row));
  }
  std::vector<Json> drops;
  AddReasons(before, after, "dropped_by", "drop", seconds, drops);
  AddReasons(before, after, "consumed_by", "consume", seconds, drops);
  std::stable_sort(drops.begin(), drops.end(), [](const Json& a, const Json& b) {
    return std::pair(Number(a, "pps"), Number(a, "count")) >
           std::pair(Number(b, "pps"), Number(b, "count"));
  });
  return {{"seconds", elapsed},
          {"generation", At(after, "generation")},
          {"ports", std::move(ports)},
          {"total", total.ToJson(seconds)},
          {"drops", drops},
          {"workers", WorkerRates(before, after)},
          {"sessions", At(after, "sessions")},
          {"nat_ports_in_use", At(after, "nat_ports_in_use")}};
}

std::string TopText(const Json& rates) {
  const auto whole = [](const Json& json, const char* member) {
    return FixedPoint(Number(json, member), 0);
  };
  const Json& sessions = At(rates, "sessions");
  std::string text = "generation " + whole(rates, "generation") + "   sessions " +
                     whole(sessions, "counted") + " of " + whole(sessions, "capacity") +
                     "   NAT ports in use " + whole(rates, "nat_ports_in_use") + "\n\n";
  TextTable ports({"PORT", ">RX-MPPS", ">TX-MPPS", ">RX-GBPS", ">TX-GBPS", ">DROPS/S"});
  const auto add_port = [&ports, &whole](const std::string& name, const Json& row) {
    ports.AddRow({name, FixedPoint(Number(row, "rx_mpps"), 3),
                  FixedPoint(Number(row, "tx_mpps"), 3), FixedPoint(Number(row, "rx_gbps"), 3),
                  FixedPoint(Number(row, "tx_gbps"), 3), whole(row, "drop_pps")});
  };
  for (const Json& port : At(rates, "ports")) {
    add_port(Text(port, "port"), port);
  }
  add_port("total", At(rates, "total"));
  TextTable workers({">WORKER", ">BUSY-%"});
  for (const Json& worker : At(rates, "workers")) {
    workers.AddRow({whole(worker, "worker"), FixedPoint(Number(worker, "busy_percent"), 1)});
  }
  TextTable reasons({"REASON", "VERDICT", ">PKTS/S", ">PKTS"});
  size_t told = 0;
  for (const Json& drop : At(rates, "drops")) {
    if (told++ < kTopReasons) {
      reasons.AddRow(
          {Text(drop, "reason"), Text(drop, "verdict"), whole(drop, "pps"), whole(drop, "count")});
    }
  }
  return text + ports.ToString() + "\n" + workers.ToString() + "\n" + reasons.ToString();
}

}  // namespace sluice
