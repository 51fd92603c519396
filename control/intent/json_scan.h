// Where things begin and end in a text that should be JSON, without parsing it: blanks and comments
// skipped, documents told apart, nesting measured. Any text will do. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// Counted from 1; columns in bytes.
struct TextPlace {
  uint32_t line = 1;
  uint32_t column = 1;
};

// The place of text[at], when text[0] is at `first`.
TextPlace PlaceOf(std::string_view text, size_t at, TextPlace first);

// Index of the first byte from `at` on that is neither blank nor in a comment; text.size() when
// there is none. A comment that never closes is not skipped.
size_t SkipBlank(std::string_view text, size_t at);

// Index after the object or list that starts at `at`; the end of the text when it never closes.
// Anything else that starts there runs to the end: the parser will say what is wrong with it.
size_t DocumentEnd(std::string_view text, size_t at);

// Index of the bracket that opens one level more than `max_depth`; text.size() when none does.
size_t TooDeepAt(std::string_view text, size_t max_depth);

}  // namespace sluice
