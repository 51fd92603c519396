// Which flow sends next: seedable streams of numbers in [0, count), the same on every machine. One
// thread each.
//
// Zipf by rejection-inversion (W. Hoermann, G. Derflinger: Rejection-inversion to generate variates
// from monotone discrete distributions, ACM TOMACS 6(3), 1996): no table, so 16M flows cost
// nothing.
#pragma once

#include <cstdint>

namespace sluice {

// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
class WorkloadRandom {
 public:
  explicit WorkloadRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next();
  uint64_t Below(uint64_t count);  // count > 0
  double Unit();                   // [0, 1)

 private:
  uint64_t state_;
};

enum class KeyLaw : uint8_t { kUniform, kZipf };

class KeyStream {
 public:
  // `count` > 0. `exponent` > 0 counts for kZipf only: the share of the k-th most frequent key is
  // proportional to 1 / k^exponent. Which key is the k-th is scattered by the seed.
  KeyStream(KeyLaw law, uint32_t count, double exponent, uint64_t seed);

  uint32_t Next();

 private:
  uint32_t NextRank();  // 1 .. count_
  double Integral(double x) const;
  double InverseIntegral(double x) const;

  const KeyLaw law_;
  const uint32_t count_;
  const double exponent_;
  WorkloadRandom random_;
  uint64_t scatter_ = 1;  // coprime to count_: rank -> key is a permutation
  uint64_t shift_ = 0;
  double integral_first_ = 0;
  double integral_last_ = 0;
  double accept_ = 0;
};

}  // namespace sluice
