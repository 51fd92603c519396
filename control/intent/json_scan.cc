#include "control/intent/json_scan.h"

#include <algorithm>

namespace sluice {
namespace {

// Index after a comment that starts at `at`, or `at` when none does. An open comment ends with the
// text.
size_t SkipComment(std::string_view text, size_t at) {
  if (at + 1 >= text.size() || text[at] != '/') {
    return at;
  }
  if (text[at + 1] == '/') {
    return std::min(text.find('\n', at), text.size());
  }
  if (text[at + 1] == '*') {
    const size_t end = text.find("*/", at + 2);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  return at;
}

bool NeverCloses(std::string_view text, size_t at) {
  return text.substr(at, 2) == "/*" && text.find("*/", at + 2) == std::string_view::npos;
}

size_t SkipString(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') {
      ++at;
    }
  }
  return std::min(at + 1, text.size());
}

// Walks brackets outside strings and comments from `at` until `stop(bracket, depth)`, called with
// the depth behind the bracket, is true; index of that bracket, or the end of the text.
template <class Stop>
size_t WalkBrackets(std::string_view text, size_t at, Stop stop) {
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = SkipString(text, at);
      continue;
    }
    if (c == '/') {
      const size_t next = SkipComment(text, at);
      at = next == at ? at + 1 : next;
      continue;
    }
    const bool opens = c == '{' || c == '[';
    const bool closes = (c == '}' || c == ']') && depth > 0;
    depth += opens ? 1 : 0;
    depth -= closes ? 1 : 0;
    if ((opens || closes) && stop(c, depth)) {
      return at;
    }
    ++at;
  }
  return text.size();
}

}  // namespace

TextPlace PlaceOf(std::string_view text, size_t at, TextPlace first) {
  const std::string_view before = text.substr(0, at);
  const size_t newline = before.rfind('\n');
  TextPlace place = first;
  place.line += static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n'));
  place.column = newline == std::string_view::npos
                     ? first.column + static_cast<uint32_t>(before.size())
                     : static_cast<uint32_t>(before.size() - newline);
  return place;
}

size_t SkipBlank(std::string_view text, size_t at) {
  while (at < text.size()) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++at;
      continue;
    }
    const size_t next = NeverCloses(text, at) ? at : SkipComment(text, at);
    if (next == at) {
      return at;
    }
    at = next;
  }
  return at;
}

size_t DocumentEnd(std::string_view text, size_t at) {
  if (text[at] != '{' && text[at] != '[') {
    return text.size();
  }
  const size_t last = WalkBrackets(
      text, at, [](char c, size_t depth) { return depth == 0 && (c == '}' || c == ']'); });
  return std::min(last + 1, text.size());
}

size_t TooDeepAt(std::string_view text, size_t max_depth) {
  return WalkBrackets(text, 0, [max_depth](char, size_t depth) { return depth > max_depth; });
}

}  // namespace sluice
