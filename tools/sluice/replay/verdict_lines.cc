#include "tools/sluice/replay/verdict_lines.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "dataplane/base/check.h"

namespace sluice {
namespace {

const std::string kNull = "null";

std::string Quoted(const std::string& name) {
  return nlohmann::json(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <typename Integer>
void AppendNumber(std::string& out, Integer value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out.append(digits, static_cast<size_t>(end - digits));
}

}  // namespace

VerdictLines::VerdictLines(std::string path, const std::vector<std::string>& ports)
    : file_(std::move(path)) {
  for (const std::string& port : ports) {
    ports_.push_back(Quoted(port));
  }
}

void VerdictLines::Configure(const CompiledConfig& config) {
  enis_.resize(config.interface_names.size(), kNull);
  for (size_t i = 0; i < enis_.size(); ++i) {
    const InterfaceRowKind kind = config.snapshot->interfaces[i].kind;
    const bool is_eni = kind == InterfaceRowKind::kEni || kind == InterfaceRowKind::kNatGateway;
    if (is_eni && !config.interface_names[i].empty()) {
      enis_[i] = Quoted(config.interface_names[i]);
    }
  }
  nacls_.clear();
  for (const std::string& id : config.nacl_ids) {
    nacls_.push_back(Quoted(id));
  }
}

void VerdictLines::Expect(int64_t time_ns, PortIdx port) {
  open_.push_back({time_ns, port, false, {}});
}

void VerdictLines::Settle(const OfflineResult& result) {
  SLUICE_CHECK(result.number >= first_open_ && result.number - first_open_ < open_.size());
  Line& line = open_[result.number - first_open_];
  SLUICE_CHECK(!line.settled);
  line.settled = true;
  if (result.number != first_open_) {
    Write(result.number, line, result, line.text);
    return;
  }
  Write(result.number, line, result, file_.text());
  open_.pop_front();
  ++first_open_;
  for (; !open_.empty() && open_.front().settled; ++first_open_) {
    file_.text() += open_.front().text;
    open_.pop_front();
  }
  file_.Spill();
}

const std::string& VerdictLines::EniOf(InterfaceIdx side) const {
  return side.has_value() && side.index() < enis_.size() ? enis_[side.index()] : kNull;
}

void VerdictLines::Write(uint64_t number, const Line& line, const OfflineResult& result,
                         std::string& out) const {
  out += "{\"n\":";
  AppendNumber(out, number);
  out += ",\"t\":";
  AppendNumber(out, line.time_ns);
  out += ",\"port\":";
  out += ports_[line.port.index()];
  out += ",\"eni\":";
  out += EniOf(result.sender);
  out += ",\"verdict\":\"";
  out += VerdictName(result.verdict);
  out += "\",\"reason\":";
  if (result.verdict == Verdict::kForward) {
    out += kNull;
  } else {
    ((out += '"') += DropReasonName(result.reason)) += '"';
  }
  out += ",\"rule\":";
  if (result.rule != 0 && result.rule_subnet.has_value()) {
    out += "{\"id\":";
    out += nacls_[result.rule_subnet.index()];
    out += result.reason == DropReason::kNaclEgress ? ",\"direction\":\"egress\",\"number\":"
                                                    : ",\"direction\":\"ingress\",\"number\":";
    AppendNumber(out, result.rule);
    out += '}';
  } else {
    out += kNull;
  }
  out += ",\"out\":[";
  for (const OfflineOutput& output : result.outputs) {
    out += &output == result.outputs.data() ? "{\"port\":" : ",{\"port\":";
    out += ports_[output.port.index()];
    out += ",\"eni\":";
    out += EniOf(output.side);
    out += '}';
  }
  out += "],\"generation\":";
  AppendNumber(out, result.generation);
  out += "}\n";
}

const absl::Status& VerdictLines::Finish() {
  SLUICE_CHECK(open_.empty());
  file_.Flush();
  return file_.status();
}

}  // namespace sluice
