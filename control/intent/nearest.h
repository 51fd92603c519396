// The known name that was probably meant where an unknown one was written. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

// Offers known names one by one and keeps the one closest to the wanted one: at most two letters
// differ, are missing or too many (one in names of up to four letters), case aside.
class NearestName {
 public:
  explicit NearestName(std::string_view wanted) : wanted_(wanted) {}

  void Offer(std::string_view known);
  void OfferWords(std::string_view space_separated);
  // ": did you mean subnet-web?", or `otherwise` when nothing is near.
  std::string Advice(std::string otherwise) const;

 private:
  std::string wanted_;
  std::string best_;
  size_t best_distance_ = 3;
  size_t offers_left_ = 100'000;  // a bound on the work
};

}  // namespace sluice
