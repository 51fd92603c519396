#include "control/daemon/secrets.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace sluice {

absl::StatusOr<Secrets> DrawSecrets() {
  uint64_t words[4];
  size_t filled = 0;
  while (filled < sizeof(words)) {
    const ssize_t got =
        getrandom(reinterpret_cast<uint8_t*>(words) + filled, sizeof(words) - filled, 0);
    if (got < 0 && errno != EINTR) {
      return absl::UnavailableError(std::string("no random numbers from the system: ") +
                                    std::strerror(errno));
    }
    filled += got > 0 ? static_cast<size_t>(got) : 0;
  }
  return Secrets{HashSecret::FromBits(words[0], words[1]), words[2], words[3]};
}

Secrets SecretsFromSeed(uint64_t seed) {
  return {HashSecret::FromSeed(seed), seed, seed};
}

}  // namespace sluice
