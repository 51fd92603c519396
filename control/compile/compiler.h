// ValidatedIntent -> Snapshot. Pure but for what makes generations cheap: indices of interfaces
// that stay the same while the interface exists, large tables shared with earlier snapshots, and
// walk generations that only change where an edit can be felt.
// Same history, same seed: byte-identical tables.
//
// Control thread only, one compiler a process (or a replay).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/intent/diff.h"
#include "control/intent/validated_intent.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/fib.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// A snapshot and what its indices are called.
struct CompiledConfig {
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const ValidatedIntent> intent;
  // From the configuration compiled before; empty for the first.
  std::vector<IntentChange> changes;
  // By InterfaceIdx: the ENI's id, "internet", or "services" with the port's name; empty for an
  // index no longer in use.
  std::vector<std::string> interface_names;
  std::vector<std::string> port_names;       // by PortIdx; empty for one this configuration lacks
  std::vector<std::string> vpc_ids;          // by VpcIdx
  std::vector<std::string> subnet_ids;       // by SubnetIdx
  std::vector<std::string> nacl_ids;         // by SubnetIdx: the NACL of the subnet
  std::vector<std::string> nat_gateway_ids;  // by NatGatewayIdx
};

struct CompileOptions {
  uint64_t hash_seed = 0;  // secret of the keyed maps; random in the daemon
  // Largest IPv4 packet of a port without an Mtu, as the device reports; by port name. Others: 9001
  // (1500 on sides).
  std::map<std::string, uint16_t> device_mtu_bytes;
  // Ports that have the first indices, whether a configuration names them or not. Others follow in
  // the order of Host.Ports, generation by generation.
  std::vector<std::string> port_names;
};

// Dense indices by name. An index is never given twice: sessions hold indices across generations.
template <typename Id>
class NameIndex {
 public:
  Id Of(const std::string& name) {
    return idx_.try_emplace(name, Id(static_cast<typename Id::rep_type>(idx_.size())))
        .first->second;
  }
  size_t size() const { return idx_.size(); }

 private:
  std::map<std::string, Id> idx_;
};

class Compiler {
 public:
  Compiler(MemorySource& memory, CompileOptions options);
  ~Compiler();

  // ResourceExhausted: a table would outgrow its budget or memory is short; the running snapshot is
  // untouched. `generation` rises from call to call, from 1.
  absl::StatusOr<std::shared_ptr<const CompiledConfig>> Compile(
      std::shared_ptr<const ValidatedIntent> intent, uint64_t generation);

 private:
  MemorySource& memory_;
  CompileOptions options_;
  FibBuilder fib_builder_;
  ClassifierBuilder classifier_builder_;
  NameIndex<InterfaceIdx> interfaces_;
  NameIndex<NatGatewayIdx> nat_gateways_;
  NameIndex<VpcIdx> vpcs_;
  NameIndex<PortIdx> ports_;
  std::shared_ptr<const CompiledConfig> last_;  // compiled, published or not
};

}  // namespace sluice
