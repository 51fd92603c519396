// Dense indices that cannot be mixed up. An id of one kind never converts to another kind or from a
// bare integer.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace sluice {

template <typename Tag, typename Rep = uint32_t>
struct StrongId {
  using rep_type = Rep;
  static constexpr Rep kNoneValue = static_cast<Rep>(-1);

  Rep value = kNoneValue;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  static constexpr StrongId None() { return StrongId(); }

  constexpr bool has_value() const { return value != kNoneValue; }
  // For indexing arrays; only when has_value().
  constexpr size_t index() const { return static_cast<size_t>(value); }

  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
};

}  // namespace sluice
