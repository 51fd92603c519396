#include "perf/workload/key_stream.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sluice {

uint64_t WorkloadRandom::Next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// D. Lemire's multiplication; the bias of count / 2^32 does not matter to a workload.
uint64_t WorkloadRandom::Below(uint64_t count) {
  return (Next() >> 32) * count >> 32;
}

double WorkloadRandom::Unit() {
  return static_cast<double>(Next() >> 11) * 0x1p-53;
}

KeyStream::KeyStream(KeyLaw law, uint32_t count, double exponent, uint64_t seed)
    : law_(law), count_(count), exponent_(exponent), random_(seed) {
  if (law_ != KeyLaw::kZipf) {
    return;
  }
  integral_first_ = Integral(1.5) - 1;
  integral_last_ = Integral(count_ + 0.5);
  accept_ = 2 - InverseIntegral(Integral(2.5) - std::pow(2.0, -exponent_));
  shift_ = random_.Below(count_);
  scatter_ = random_.Below(count_) | 1;
  while (std::gcd(scatter_, uint64_t{count_}) != 1) {
    ++scatter_;
  }
}

// H(x): an antiderivative of x^-exponent.
double KeyStream::Integral(double x) const {
  const double log = std::log(x);
  const double t = (1 - exponent_) * log;
  return (std::abs(t) > 1e-8 ? std::expm1(t) / t : 1 + t / 2) * log;
}

double KeyStream::InverseIntegral(double x) const {
  const double t = std::max(x * (1 - exponent_), -1.0);
  return std::exp((std::abs(t) > 1e-8 ? std::log1p(t) / t : 1 - t / 2) * x);
}

uint32_t KeyStream::NextRank() {
  while (true) {
    const double u = integral_last_ + random_.Unit() * (integral_first_ - integral_last_);
    const double x = InverseIntegral(u);
    const double k = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(count_));
    if (k - x <= accept_ || u >= Integral(k + 0.5) - std::pow(k, -exponent_)) {
      return static_cast<uint32_t>(k);
    }
  }
}

uint32_t KeyStream::Next() {
  if (law_ == KeyLaw::kUniform) {
    return static_cast<uint32_t>(random_.Below(count_));
  }
  return static_cast<uint32_t>(((NextRank() - 1) * scatter_ + shift_) % count_);
}

}  // namespace sluice
