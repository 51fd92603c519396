#include <string>

#include "control/explain/explanation.h"

namespace sluice {
namespace {

void AppendHops(const std::vector<Hop>& hops, std::string& text) {
  for (size_t i = 0; i < hops.size(); ++i) {
    const Hop& hop = hops[i];
    text += std::to_string(i + 1) + ". " + hop.component_id + "\n";
    text += "     asked:   " + hop.asked + "\n";
    if (!hop.matched.empty()) {
      text += "     matched: " + hop.matched + "\n";
    }
    if (hop.outbound == hop.inbound) {
      text += "     header:  " + ToString(hop.inbound) + "\n";
    } else {
      text += "     before:  " + ToString(hop.inbound) + "\n";
      text += "     after:   " + ToString(hop.outbound) + "\n";
    }
  }
}

void AppendVerdict(std::string_view whose, Verdict verdict, const std::optional<DropReason>& reason,
                   std::string& text) {
  text += std::string(whose) + ": " + std::string(VerdictName(verdict));
  if (reason.has_value()) {
    text += " (" + std::string(DropReasonName(*reason)) + ")";
  }
  text += "\n";
}

}  // namespace

std::string RenderExplanationText(const Explanation& explanation) {
  std::string text = "Request\n";
  AppendHops(explanation.forward_hops, text);
  AppendVerdict("Verdict of the request", explanation.verdict, explanation.reason, text);
  if (explanation.reply_verdict.has_value()) {
    text += "\nReply\n";
    AppendHops(explanation.return_hops, text);
    AppendVerdict("Verdict of the reply", *explanation.reply_verdict, explanation.reply_reason,
                  text);
  } else {
    text += "Verdict of the reply: there is none\n";
  }
  return text;
}

}  // namespace sluice
