// `sluice explain`: what happens to one packet and to its answer, hop by hop, by running the
// reference world on the configuration as written with fresh state. Offline tool or control thread;
// milliseconds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/explain/trace.h"
#include "control/intent/validated_intent.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/verdict.h"

namespace sluice {

struct Question {
  std::string from;  // an interface's id, "internet" or "services"
  Ipv4Address to;
  std::optional<Ipv4Address>
      source;  // none: the interface's primary address; required from the other two
  uint8_t protocol = kProtocolTcp;
  uint16_t source_port = 40000;
  uint16_t destination_port = 0;
  uint8_t icmp_type = kIcmpEcho;  // for ICMP only
  uint8_t icmp_code = 0;
};

struct Explanation {
  Question question;
  std::vector<Hop> forward_hops;
  std::vector<Hop> return_hops;  // empty when nobody answers
  Verdict verdict = Verdict::kDrop;
  std::optional<DropReason> reason;  // none when forwarded
  // None: there is no answer (the request was not forwarded, or it ended at an appliance or at a
  // type that has none).
  std::optional<Verdict> reply_verdict;
  std::optional<DropReason> reply_reason;

  bool network_path_found() const { return verdict == Verdict::kForward; }
  // 0 only if both ways are forwarded, else 1.
  int exit_code() const {
    return verdict == Verdict::kForward && reply_verdict == Verdict::kForward ? 0 : 1;
  }
};

// InvalidArgument when the question names an interface that does not exist, or lacks a source
// address it needs.
absl::StatusOr<Explanation> Explain(const ValidatedIntent& intent, const Question& question);

// Numbered hops, then both verdicts; ends with a newline.
std::string RenderExplanationText(const Explanation& explanation);
// Reachability Analyzer's shapes plus Verdict, ReplyVerdict, DropReason, ReplyDropReason; one
// object, indented.
std::string RenderExplanationJson(const Explanation& explanation);

}  // namespace sluice
