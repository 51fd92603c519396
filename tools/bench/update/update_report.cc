#include "tools/bench/update/update_report.h"

#include <algorithm>
#include <cstdio>

#include "tools/bench/report_output.h"

namespace sluice {
namespace {

constexpr double kNsPerMinute = 60e9;

double LogShare(const UpdateResult& result) {
  // Every line ends one window a minute.
  return 2.0 * result.sessions * result.logs.ended_ns / kNsPerMinute;
}

Figure EffectFigure(double flows, const EffectResult& effect) {
  Figure figure;
  figure.name = "update/effect";
  figure.unit = "change";
  figure.ns = SpreadOf(effect.wall_ns);
  figure.rounds = static_cast<uint32_t>(effect.changes);
  figure.round_items = 1;
  figure.counters = {
      {"flows", flows},
      {"hit_rate", HitRate(effect.fates)},
      {"p50_ns", Quantile(effect.wall_ns, 0.5)},
      {"p99_ns", Quantile(effect.wall_ns, 0.99)},
      {"p999_ns", Quantile(effect.wall_ns, 0.999)},
      {"running_p50_ns", Quantile(effect.running_ns, 0.5)},
      {"running_p99_ns", Quantile(effect.running_ns, 0.99)},
      {"running_p999_ns", Quantile(effect.running_ns, 0.999)},
      {"p999_us", Quantile(effect.wall_ns, 0.999) / 1e3},
      {"running_p999_us", Quantile(effect.running_ns, 0.999) / 1e3},
      {"dip_percent", 100 * effect.dip.median},
      {"changes", static_cast<double>(effect.changes)},
      {"interrupted", static_cast<double>(effect.interrupted)},
      {"apply_ns", effect.apply_ns},
      {"dip", effect.dip.median},
      {"dip_low", effect.dip.low},
      {"dip_high", effect.dip.high},
      {"rate_with_changes", effect.busy_rate},
      {"rate_without", effect.quiet_rate},
      {"packets", static_cast<double>(effect.given)},
      {"lost", static_cast<double>(effect.given - std::min(effect.given, effect.sent))},
      {"sampled", static_cast<double>(effect.before.sampled + effect.after.sampled)},
      {"wrong", static_cast<double>(effect.before.wrong + effect.after.wrong)}};
  return figure;
}

// Of the change in the middle, with the range of all.
Figure StaleFigure(uint32_t flows, const std::vector<StaleResult>& changes) {
  const StaleResult& middle = MiddleOf(changes);
  std::vector<double> shares;
  uint64_t sampled = 0;
  uint64_t wrong = 0;
  for (const StaleResult& change : changes) {
    shares.push_back(change.RateShare());
    sampled += change.walking.sampled + change.after.sampled;
    wrong += change.walking.wrong + change.after.wrong;
  }
  const auto [low, high] = std::minmax_element(shares.begin(), shares.end());
  Figure figure;
  figure.name = "update/stale/flows:" + std::to_string(flows);
  figure.ns = {middle.mean_ns, middle.mean_ns, middle.mean_ns};
  figure.rounds = static_cast<uint32_t>(changes.size());
  figure.round_items = middle.packets;
  figure.counters = {
      {"flows", flows},
      {"hit_rate", static_cast<double>(middle.hits) / static_cast<double>(middle.packets)},
      {"usual_ns", middle.usual_ns.median},
      {"first_ns", middle.first_ns},
      {"rate_share", middle.RateShare()},
      {"rate_share_low", *low},
      {"rate_share_high", *high},
      {"rate_percent", 100 * middle.RateShare()},
      {"first_rate_share", middle.usual_ns.median / middle.first_ns},
      {"walked", static_cast<double>(middle.walked)},
      {"sampled", static_cast<double>(sampled)},
      {"wrong", static_cast<double>(wrong)}};
  return figure;
}

}  // namespace

void AddUpdateFigures(const UpdateResult& result, Report& report) {
  const double flows = result.sessions;
  report.figures.push_back(EffectFigure(flows, result.effect));
  report.figures.push_back(StaleFigure(result.sessions, result.stale));
  Figure logs;
  logs.name = "update/flow_logs/flows:" + std::to_string(result.sessions);
  logs.unit = "record";
  logs.ns = {result.logs.ended_ns, result.logs.ended_ns, result.logs.ended_ns};
  logs.rounds = result.log_rounds;
  logs.round_items = result.logs.packets;
  logs.counters = {{"flows", flows},
                   {"hit_rate", result.logs.hit_rate},
                   {"usual_ns", result.logs.usual_ns.median},
                   {"records", static_cast<double>(result.logs.records)},
                   {"core_percent", 100 * LogShare(result)}};
  report.figures.push_back(std::move(logs));
  for (const CompileRow& row : result.compile) {
    Figure figure;
    figure.name = "update/compile/" + row.what;
    figure.unit = "configuration";
    figure.ns = {row.cost.first_ns, row.cost.first_ns, row.cost.first_ns};
    figure.rounds = 1;
    figure.counters = {{"change_ns", row.cost.change_ns}};
    report.figures.push_back(std::move(figure));
  }
}

std::vector<std::string> BrokenUpdateClaims(const UpdateResult& result) {
  std::vector<std::string> broken;
  const auto claim = [&](bool holds, const std::string& what) {
    if (!holds) {
      broken.push_back(what);
    }
  };
  const EffectResult& effect = result.effect;
  claim(effect.changes != 0 && effect.wall_ns.size() == effect.changes,
        "changes that were seen to be in force: " + std::to_string(effect.wall_ns.size()) + " of " +
            std::to_string(effect.changes));
  claim(effect.given == effect.sent && effect.fates.dropped == 0,
        "packets lost while policy changed: " + std::to_string(effect.given - effect.sent) + " " +
            effect.fates.FirstDrop());
  claim(effect.fates.misses == 0, "packets without their session while policy changed: " +
                                      std::to_string(effect.fates.misses));
  for (const StaleResult& stale : result.stale) {
    claim(stale.fates.dropped == 0 && stale.fates.forwarded == stale.given,
          "packets lost while sessions walked again: " + stale.fates.FirstDrop());
    claim(stale.walked * 100 >= stale.lines * 95,
          "stale directions that walked again: " + std::to_string(stale.walked) + " of " +
              std::to_string(stale.lines));
    stale.walking.Judge("while sessions were stale", broken);
    stale.after.Judge("when sessions had walked again", broken);
  }
  claim(result.logs.records >= result.logs.packets * 9 / 10,
        "flow-log records: " + std::to_string(result.logs.records) + " for " +
            std::to_string(result.logs.packets) + " ended windows");
  effect.before.Judge("before the changes", broken);
  effect.after.Judge("after the changes, in the same tables", broken);
  return broken;
}

void PrintUpdateTable(const Report& report, const UpdateResult& result) {
  for (const auto& [name, value] : report.settings) {
    std::printf("  %-22s %s\n", name.c_str(), value.c_str());
  }
  const EffectResult& effect = result.effect;
  std::printf("\n  %-34s %9s %9s %9s\n", "UNTIL A CHANGE IS IN FORCE, US", "P50", "P99", "P99.9");
  for (const auto& [name, values] :
       {std::pair{"by the clock", &effect.wall_ns},
        std::pair{"while the worker was left running", &effect.running_ns}}) {
    std::printf("  %-34s %9.1f %9.1f %9.1f\n", name, Quantile(*values, 0.5) / 1e3,
                Quantile(*values, 0.99) / 1e3, Quantile(*values, 0.999) / 1e3);
  }
  std::printf("  %llu changes, of which the system took the worker's CPU in %llu; %llu packets\n",
              static_cast<unsigned long long>(effect.changes),
              static_cast<unsigned long long>(effect.interrupted),
              static_cast<unsigned long long>(effect.given));
  std::printf("  forwarding dips by %.1f %% (quartiles %.1f..%.1f), 0 packets lost\n\n",
              100 * effect.dip.median, 100 * effect.dip.low, 100 * effect.dip.high);
  const StaleResult& stale = MiddleOf(result.stale);
  std::printf("  %-34s %8.1f ns a packet; %.1f while all are stale, %.1f until 99 %% are not\n",
              "SESSIONS MADE STALE", stale.usual_ns.median, stale.first_ns, stale.mean_ns);
  std::printf("  %-34s %8.1f ns more than %.1f; %.2f %% of a core with every flow's a minute\n\n",
              "A FLOW-LOG WINDOW THAT ENDS", result.logs.ended_ns, result.logs.usual_ns.median,
              100 * LogShare(result));
  std::printf("  %-34s %12s %16s\n", "COMPILE, MS OF CPU", "FIRST", "ONE RULE CHANGED");
  for (const CompileRow& row : result.compile) {
    std::printf("  %-34s %12.2f %16.2f\n", row.what.c_str(), row.cost.first_ns / 1e6,
                row.cost.change_ns / 1e6);
  }
  std::printf(
      "\nupdate: in force after %.1f us (p99.9 %.1f), dip %.1f %%, 0 lost; stale sessions %.0f %% "
      "of the rate; flow logs %.2f %%; %u flows; dataplane only, no NIC; %s\n",
      Quantile(effect.wall_ns, 0.5) / 1e3, Quantile(effect.wall_ns, 0.999) / 1e3,
      100 * effect.dip.median, 100 * stale.RateShare(), 100 * LogShare(result), result.sessions,
      Provenance(report).c_str());
}

}  // namespace sluice
