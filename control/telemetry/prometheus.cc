#include "control/telemetry/prometheus.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

namespace sluice {
namespace {

constexpr double kNanosecondsASecond = 1e9;

// Backslash, quote and line feed are escaped in label values; in HELP only the first and the last.
void AppendEscaped(std::string_view text, bool quotes, std::string* out) {
  for (const char c : text) {
    if (c == '\\') {
      out->append("\\\\");
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '"' && quotes) {
      out->append("\\\"");
    } else {
      out->push_back(c);
    }
  }
}

void AppendValue(double value, std::string* out) {
  if (!std::isfinite(value)) {
    out->append(std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    return;
  }
  constexpr double kWhole = 9007199254740992.0;  // 2^53: every whole number below is exact
  const bool whole = std::abs(value) < kWhole && value == std::floor(value);
  char digits[64];
  const auto end = whole
                       ? std::to_chars(digits, digits + sizeof digits, static_cast<int64_t>(value))
                       : std::to_chars(digits, digits + sizeof digits, value);
  out->append(digits, end.ptr);
}

void AppendSample(const std::string& name, const MetricSample& sample, std::string* out) {
  out->append(name);
  char separator = '{';
  for (const auto& [label, value] : sample.labels) {
    out->push_back(separator);
    separator = ',';
    out->append(label).append("=\"");
    AppendEscaped(value, true, out);
    out->push_back('"');
  }
  out->append(sample.labels.empty() ? " " : "} ");
  AppendValue(sample.value, out);
  out->push_back('\n');
}

MetricFamily PerPort(std::string name, std::string help, const std::vector<PortReport>& ports,
                     uint64_t PortReport::*member, MetricKind kind = MetricKind::kCounter) {
  MetricFamily family{std::move(name), std::move(help), kind, {}};
  for (const PortReport& port : ports) {
    family.samples.push_back({{{"port", port.name}}, static_cast<double>(port.*member)});
  }
  return family;
}

MetricFamily PerReason(std::string name, std::string help, const std::vector<PortReport>& ports,
                       ReasonCounts PortReport::*member) {
  MetricFamily family{std::move(name), std::move(help), MetricKind::kCounter, {}};
  for (const PortReport& port : ports) {
    for (size_t i = 0; i < kDropReasonCount; ++i) {
      const std::string reason(DropReasonName(static_cast<DropReason>(i)));
      family.samples.push_back(
          {{{"port", port.name}, {"reason", reason}}, static_cast<double>((port.*member)[i])});
    }
  }
  return family;
}

}  // namespace

namespace {

const char* TypeWord(MetricKind kind) {
  return kind == MetricKind::kCounter ? " counter\n"
         : kind == MetricKind::kGauge ? " gauge\n"
                                      : " untyped\n";
}

}  // namespace

std::string PrometheusText(const std::vector<MetricFamily>& families) {
  std::string text;
  for (const MetricFamily& family : families) {
    if (family.samples.empty()) {
      continue;
    }
    text.append("# HELP ").append(family.name).append(" ");
    AppendEscaped(family.help, false, &text);
    text.append("\n# TYPE ").append(family.name);
    text.append(TypeWord(family.kind));
    for (const MetricSample& sample : family.samples) {
      AppendSample(family.name, sample, &text);
    }
  }
  return text;
}

std::vector<MetricFamily> PortMetrics(const std::vector<PortReport>& ports) {
  return {
      PerPort("sluice_received_packets_total", "Packets received on the port.", ports,
              &PortReport::received),
      PerPort("sluice_received_bytes_total", "Bytes of frames received on the port.", ports,
              &PortReport::received_bytes),
      PerPort("sluice_forwarded_packets_total", "Received packets that were forwarded.", ports,
              &PortReport::forwarded),
      PerReason("sluice_consumed_packets_total",
                "Received packets that the router answered or absorbed.", ports,
                &PortReport::consumed),
      PerReason("sluice_dropped_packets_total", "Received packets that were dropped, by reason.",
                ports, &PortReport::dropped),
      PerPort("sluice_held_packets", "Received packets now held by the fragment cache.", ports,
              &PortReport::held, MetricKind::kGauge),
      PerPort("sluice_sent_packets_total", "Packets sent on the port.", ports, &PortReport::sent),
      PerPort("sluice_sent_bytes_total", "Bytes of frames sent on the port.", ports,
              &PortReport::sent_bytes),
      PerPort("sluice_extra_fragments_total", "Fragments made beyond the first of a packet.", ports,
              &PortReport::extra_fragments),
      PerPort("sluice_originated_packets_total", "Packets that the router itself made.", ports,
              &PortReport::originated),
      PerPort("sluice_emit_drops_total", "Made packets and fragments that could not be sent.",
              ports, &PortReport::emit_drops),
  };
}

std::vector<MetricFamily> StageMetrics(const std::vector<StageReport>& stages,
                                       double ticks_per_ns) {
  MetricFamily calls{"sluice_stage_calls_total", "Calls of the stage.", MetricKind::kCounter, {}};
  MetricFamily packets{
      "sluice_stage_packets_total", "Packets the stage was given.", MetricKind::kCounter, {}};
  MetricFamily seconds{
      "sluice_stage_seconds_total", "Time spent in the stage.", MetricKind::kCounter, {}};
  for (const StageReport& stage : stages) {
    const std::vector<std::pair<std::string, std::string>> labels = {{"stage", stage.name}};
    calls.samples.push_back({labels, static_cast<double>(stage.calls)});
    packets.samples.push_back({labels, static_cast<double>(stage.packets)});
    if (ticks_per_ns > 0) {
      const double ns = static_cast<double>(stage.ticks) / ticks_per_ns;
      seconds.samples.push_back({labels, ns / kNanosecondsASecond});
    }
  }
  return {std::move(calls), std::move(packets), std::move(seconds)};
}

}  // namespace sluice
