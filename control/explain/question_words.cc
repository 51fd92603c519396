#include "control/explain/question_words.h"

#include <charconv>

#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

absl::Status ReadPorts(const QuestionWords& words, Question& question) {
  const auto source = ParseNumber(words.sport.empty() ? "40000" : words.sport, 65535);
  const auto destination = ParseNumber(words.dport, 65535);
  const bool has_ports = question.protocol == kProtocolTcp || question.protocol == kProtocolUdp;
  if (has_ports && words.dport.empty()) {
    return Wrong("--dport is needed for --proto=tcp and udp");
  }
  if (!source.has_value() || (!words.dport.empty() && !destination.has_value())) {
    return Wrong("--sport and --dport are numbers 0..65535");
  }
  question.source_port = has_ports ? static_cast<uint16_t>(*source) : 0;
  question.destination_port = has_ports ? static_cast<uint16_t>(*destination) : 0;
  return absl::OkStatus();
}

}  // namespace

std::optional<uint64_t> ParseNumber(std::string_view text, uint64_t max) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) {
    return std::nullopt;
  }
  return value;
}

std::optional<uint8_t> ParseProtocol(std::string_view text) {
  if (text == "tcp") {
    return kProtocolTcp;
  }
  if (text == "udp") {
    return kProtocolUdp;
  }
  if (text == "icmp") {
    return kProtocolIcmp;
  }
  const std::optional<uint64_t> number = ParseNumber(text, 255);
  return number.has_value() ? std::optional<uint8_t>(static_cast<uint8_t>(*number)) : std::nullopt;
}

std::optional<std::pair<uint8_t, uint8_t>> ParseIcmpTypeCode(std::string_view text) {
  const size_t slash = text.find('/');
  const auto type = ParseNumber(text.substr(0, slash), 255);
  const auto code = slash == std::string_view::npos ? std::optional<uint64_t>(0)
                                                    : ParseNumber(text.substr(slash + 1), 255);
  if (!type.has_value() || !code.has_value()) {
    return std::nullopt;
  }
  return std::pair(static_cast<uint8_t>(*type), static_cast<uint8_t>(*code));
}

absl::StatusOr<Question> ReadQuestion(const QuestionWords& words) {
  Question question;
  if (words.from.empty() || words.to.empty()) {
    return Wrong("`sluice explain` needs --from and --to");
  }
  question.from = words.from;
  const auto to = ParseIpv4Address(words.to);
  if (!to.has_value()) {
    return Wrong("--to=" + words.to + " is no IPv4 address");
  }
  question.to = *to;
  if (!words.src.empty()) {
    question.source = ParseIpv4Address(words.src);
    if (!question.source.has_value()) {
      return Wrong("--src=" + words.src + " is no IPv4 address");
    }
  }
  const auto protocol = ParseProtocol(words.proto.empty() ? "tcp" : words.proto);
  if (!protocol.has_value()) {
    return Wrong("--proto=" + words.proto + " is none of tcp, udp, icmp, 0..255");
  }
  question.protocol = *protocol;
  const auto icmp = ParseIcmpTypeCode(words.icmp.empty() ? "8/0" : words.icmp);
  if (!icmp.has_value()) {
    return Wrong("--icmp=" + words.icmp + " is no TYPE/CODE");
  }
  question.icmp_type = icmp->first;
  question.icmp_code = icmp->second;
  if (absl::Status status = ReadPorts(words, question); !status.ok()) {
    return status;
  }
  return question;
}

}  // namespace sluice
