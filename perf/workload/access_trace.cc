#include "perf/workload/access_trace.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>

#include "dataplane/base/check.h"

namespace sluice {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr greg_t kSingleStep = 1 << 8;  // TF of RFLAGS
constexpr greg_t kFaultWasWrite = 1 << 1;

// Of the one trace that runs; handlers see nothing else.
struct Running {
  const std::vector<WatchedMemory::Region>* regions = nullptr;
  std::array<MemoryAccess, AccessTrace::kMaxAccesses> accesses;
  size_t count = 0;
  std::array<uintptr_t, 8> open;  // pages given back until the step ends
  size_t open_count = 0;
  struct sigaction old_fault;
  struct sigaction old_step;
};
Running running;

void Protect(uintptr_t begin, size_t bytes, int protection) {
  SLUICE_CHECK(mprotect(reinterpret_cast<void*>(begin), bytes, protection) == 0);
}

bool IsWatched(uintptr_t address) {
  return std::any_of(running.regions->begin(), running.regions->end(),
                     [address](const WatchedMemory::Region& r) { return r.Holds(address); });
}

void OnFault(int, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  if (!IsWatched(address) || running.count == running.accesses.size() ||
      running.open_count == running.open.size()) {
    sigaction(SIGSEGV, &running.old_fault, nullptr);  // a fault like any other: happens again
    return;
  }
  running.accesses[running.count++] = {address, (registers[REG_ERR] & kFaultWasWrite) != 0};
  const uintptr_t page = address / kPageBytes * kPageBytes;
  running.open[running.open_count++] = page;
  Protect(page, kPageBytes, PROT_READ | PROT_WRITE);
  registers[REG_EFL] |= kSingleStep;
}

void OnStep(int, siginfo_t*, void* context) {
  for (; running.open_count != 0; --running.open_count) {
    Protect(running.open[running.open_count - 1], kPageBytes, PROT_NONE);
  }
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~kSingleStep;
}

void Handle(int signal, void (*handler)(int, siginfo_t*, void*), struct sigaction* old) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  SLUICE_CHECK(sigaction(signal, &action, old) == 0);
}

size_t WholePages(size_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace

WatchedMemory::~WatchedMemory() {
  SLUICE_CHECK(regions_.empty());
}

void* WatchedMemory::Allocate(const char* name, size_t bytes, size_t alignment) {
  if (alignment > kPageBytes) {
    return nullptr;
  }
  const size_t whole = WholePages(bytes == 0 ? 1 : bytes);
  void* memory = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return nullptr;
  }
  regions_.push_back({name, reinterpret_cast<uintptr_t>(memory), whole});
  return memory;
}

void WatchedMemory::Free(void* memory, size_t) {
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const auto found = std::find_if(regions_.begin(), regions_.end(),
                                  [begin](const Region& region) { return region.begin == begin; });
  SLUICE_CHECK(found != regions_.end());
  munmap(memory, found->bytes);
  regions_.erase(found);
}

AccessTrace::AccessTrace(const WatchedMemory& memory) : memory_(memory) {
  SLUICE_CHECK(running.regions == nullptr);
  running.regions = &memory_.regions();
  running.count = 0;
  running.open_count = 0;
  Handle(SIGSEGV, &OnFault, &running.old_fault);
  Handle(SIGTRAP, &OnStep, &running.old_step);
  for (const WatchedMemory::Region& region : memory_.regions()) {
    Protect(region.begin, region.bytes, PROT_NONE);
  }
}

AccessTrace::~AccessTrace() {
  for (const WatchedMemory::Region& region : memory_.regions()) {
    Protect(region.begin, region.bytes, PROT_READ | PROT_WRITE);
  }
  sigaction(SIGSEGV, &running.old_fault, nullptr);
  sigaction(SIGTRAP, &running.old_step, nullptr);
  running.regions = nullptr;
}

std::vector<MemoryAccess> AccessTrace::Take() {
  const size_t count = running.count;
  running.count = 0;
  return {running.accesses.begin(), running.accesses.begin() + static_cast<ptrdiff_t>(count)};
}

}  // namespace sluice
