// `sluice explain`: what happens to a packet and to its answer, and why (interface.md §5).
#include <cstdio>

#include "control/explain/explanation.h"
#include "tools/sluice/config_source.h"
#include "tools/sluice/flags.h"
#include "tools/sluice/packet_words.h"
#include "tools/sluice/verbs.h"

namespace sluice {
namespace {

bool Wrong(const std::string& what) {
  UsageError(what);
  return false;
}

bool ReadPorts(Question& question) {
  const auto source = ParseNumber(FLAGS_sport, 65535);
  const auto destination = ParseNumber(FLAGS_dport, 65535);
  const bool has_ports = question.protocol == kProtocolTcp || question.protocol == kProtocolUdp;
  if (has_ports && FLAGS_dport.empty()) {
    return Wrong("--dport is needed for --proto=tcp and udp");
  }
  if (!source.has_value() || (!FLAGS_dport.empty() && !destination.has_value())) {
    return Wrong("--sport and --dport are numbers 0..65535");
  }
  question.source_port = has_ports ? static_cast<uint16_t>(*source) : 0;
  question.destination_port = has_ports ? static_cast<uint16_t>(*destination) : 0;
  return true;
}

// The question the flags ask; false after a message.
bool ReadQuestion(Question& question) {
  if (FLAGS_from.empty() || FLAGS_to.empty()) {
    return Wrong("`sluice explain` needs --from and --to");
  }
  question.from = FLAGS_from;
  const auto to = ParseIpv4Address(FLAGS_to);
  if (!to.has_value()) {
    return Wrong("--to=" + FLAGS_to + " is no IPv4 address");
  }
  question.to = *to;
  if (!FLAGS_src.empty()) {
    question.source = ParseIpv4Address(FLAGS_src);
    if (!question.source.has_value()) {
      return Wrong("--src=" + FLAGS_src + " is no IPv4 address");
    }
  }
  const auto protocol = ParseProtocol(FLAGS_proto.empty() ? "tcp" : FLAGS_proto);
  if (!protocol.has_value()) {
    return Wrong("--proto=" + FLAGS_proto + " is none of tcp, udp, icmp, 0..255");
  }
  question.protocol = *protocol;
  const auto icmp = ParseIcmpTypeCode(FLAGS_icmp);
  if (!icmp.has_value()) {
    return Wrong("--icmp=" + FLAGS_icmp + " is no TYPE/CODE");
  }
  question.icmp_type = icmp->first;
  question.icmp_code = icmp->second;
  return ReadPorts(question);
}

}  // namespace

int RunExplain(const Arguments& arguments) {
  Question question;
  if (!ReadQuestion(question)) {
    return kExitUsage;
  }
  std::vector<std::string> paths = arguments.All("config");
  paths.insert(paths.end(), arguments.words.begin(), arguments.words.end());
  paths = SplitPaths(paths);
  if (paths.empty()) {
    return UsageError("`sluice explain` needs --config");
  }
  const auto intent = LoadOrReport(paths);
  if (intent == nullptr) {
    return kExitNo;
  }
  const absl::StatusOr<Explanation> explanation = Explain(*intent, question);
  if (!explanation.ok()) {
    return UsageError(std::string(explanation.status().message()));
  }
  const std::string text =
      FLAGS_j ? RenderExplanationJson(*explanation) : RenderExplanationText(*explanation);
  std::fputs(text.c_str(), stdout);
  return explanation->exit_code();
}

}  // namespace sluice
