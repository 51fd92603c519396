// --simd: which variant of lookups and hashes a subcommand runs. Instruction counts are taken on
// the scalar one, which is the same on every machine. Main thread, before anything is looked up.
#pragma once

#include <string>

#include "dataplane/session/session_hash.h"

namespace sluice {

// Makes --simd so. False after a usage message: no such variant, or this CPU cannot run it.
bool TakeSimdFlag();
// The session hash that goes with it.
HashKind HashOfSimdFlag();
// Its name, for a report's settings.
std::string SimdInUse();

}  // namespace sluice
