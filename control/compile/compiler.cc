#include "control/compile/compiler.h"

#include <algorithm>

#include "control/compile/passes.h"

namespace sluice {
namespace {

constexpr size_t kMaxPorts = PortIdx::kNoneValue;
constexpr uint64_t kAddressSalt = 0x61646472;
constexpr uint64_t kGroupSalt = 0x67727073;

AddressHashKey KeyOf(uint64_t seed, uint64_t salt) {
  const uint64_t a = (seed ^ salt) * 0x9e3779b97f4a7c15;
  const uint64_t b = (a ^ a >> 29) * 0xbf58476d1ce4e5b9;
  return {{a ^ a >> 31, b ^ b >> 27}};
}

template <typename T>
bool Store(const std::vector<T>& rows, const char* name, MemorySource& memory,
           AlignedArray<T>& out) {
  out = AlignedArray<T>::Make(memory, name, std::max<size_t>(rows.size(), 1));
  if (!out.ok()) {
    return false;
  }
  std::copy(rows.begin(), rows.end(), out.data());
  return true;
}

bool StoreRows(const SnapshotDraft& draft, MemorySource& memory, Snapshot& snapshot) {
  return Store(draft.interfaces, "interfaces", memory, snapshot.interfaces) &&
         Store(draft.adjacency, "adjacency", memory, snapshot.adjacency) &&
         Store(draft.links, "links", memory, snapshot.links) &&
         Store(draft.ports, "ports", memory, snapshot.ports) &&
         Store(draft.sides, "sides", memory, snapshot.sides) &&
         Store(draft.vpcs, "vpcs", memory, snapshot.vpcs) &&
         Store(draft.dhcp, "dhcp", memory, snapshot.dhcp) &&
         Store(draft.subnets, "subnets", memory, snapshot.subnets) &&
         Store(draft.nat_gateways, "nat gateways", memory, snapshot.nat_gateways) &&
         Store(draft.next_hops, "next hops", memory, snapshot.next_hops) &&
         Store(draft.public_addresses, "public addresses", memory, snapshot.public_addresses);
}

// Moves a built value into the snapshot, or passes its error on.
template <typename T, typename U>
absl::Status Take(absl::StatusOr<T> built, std::shared_ptr<const U>& out) {
  if (!built.ok()) {
    return built.status();
  }
  if constexpr (std::is_same_v<T, std::shared_ptr<const U>>) {
    out = *std::move(built);
  } else {
    out = std::make_shared<const U>(*std::move(built));
  }
  return absl::OkStatus();
}

absl::Status StoreTables(SnapshotDraft& draft, uint64_t seed, MemorySource& memory,
                         Snapshot& snapshot) {
  const AddressHashKey address_key = KeyOf(seed, kAddressSalt);
  absl::Status status = Take(FibSet::Make(std::move(draft.fibs), memory), snapshot.fibs);
  status.Update(
      Take(ClassifierSet::Make(std::move(draft.classifiers), memory), snapshot.classifiers));
  status.Update(Take(GroupRuleMap::Build(draft.group_rules, KeyOf(seed, kGroupSalt), memory),
                     snapshot.group_rules));
  status.Update(Take(AddressMap::Build(draft.addresses, address_key, memory), snapshot.addresses));
  status.Update(Take(AddressMap::Build(draft.public_of, address_key, memory), snapshot.public_of));
  status.Update(
      Take(AddressMap::Build(draft.public_map, address_key, memory), snapshot.public_map));
  snapshot.macs = MacMap::Build(draft.macs, address_key.word[1], memory);
  snapshot.senders = SenderMap::Build(draft.senders, address_key.word[0], memory);
  if (snapshot.senders == nullptr || snapshot.macs == nullptr) {
    status.Update(absl::ResourceExhaustedError("no memory for the maps of MAC addresses"));
  }
  return status;
}

// Generations 0 and 2^32-1 mean something else in session lines.
uint32_t WalkGeneration(uint64_t generation) {
  return static_cast<uint32_t>(generation % 0xfffffffe) + 1;
}

std::string ServicesName(const HostSide& side) {
  return "services/" + side.port + "/" + std::to_string(side.vlan);
}

}  // namespace

Compiler::Compiler(MemorySource& memory, CompileOptions options)
    : memory_(memory),
      options_(std::move(options)),
      fib_builder_(memory),
      classifier_builder_(memory) {
  interfaces_.Of("internet");
  for (const std::string& name : options_.port_names) {
    ports_.Of(name);
  }
}

Compiler::~Compiler() = default;

absl::StatusOr<std::shared_ptr<const CompiledConfig>> Compiler::Compile(
    std::shared_ptr<const ValidatedIntent> intent, uint64_t generation) {
  SnapshotDraft draft{*intent, fib_builder_, classifier_builder_};
  draft.internet = interfaces_.Of("internet");
  for (const HostSide& side : intent->host().services) {
    draft.services.push_back(interfaces_.Of(ServicesName(side)));
  }
  for (const NetworkInterface& eni : intent->intent().network_interfaces) {
    draft.interface_idx[eni.id] = interfaces_.Of(eni.id);
  }
  for (const NatGateway& gateway : intent->intent().nat_gateways) {
    draft.nat_gateway_idx[gateway.id] = nat_gateways_.Of(gateway.id);
  }
  for (const Vpc& vpc : intent->intent().vpcs) {
    draft.vpc_idx[vpc.id] = vpcs_.Of(vpc.id);
  }
  for (const HostPort& port : intent->host().ports) {
    draft.port_idx[port.name] = ports_.Of(port.name);
  }
  if (interfaces_.size() >= kMaxInterfaces || nat_gateways_.size() >= kMaxNatGateways ||
      ports_.size() >= kMaxPorts) {
    return absl::ResourceExhaustedError(
        "too many interfaces, NAT gateways or ports were made since the start; restart to go on");
  }
  draft.interfaces.resize(interfaces_.size());
  draft.adjacency.resize(interfaces_.size());
  draft.nat_gateways.resize(nat_gateways_.size());
  draft.vpcs.resize(vpcs_.size());
  draft.ports.resize(ports_.size());

  CompileAddresses(draft);
  CompileDhcp(draft);
  CompileHost(draft, options_.device_mtu_bytes);
  absl::Status status = CompileRoutes(draft);
  status.Update(CompileNacls(draft));
  status.Update(CompileGroups(draft));
  if (!status.ok()) {
    return status;
  }

  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = generation;
  snapshot->router_mac = intent->host().router_mac;
  snapshot->internet = draft.internet;
  auto config = std::make_shared<CompiledConfig>();
  if (last_ != nullptr) {
    config->changes = DiffIntents(*last_->intent, *intent);
  }
  const std::vector<uint32_t> generations =
      WalkGenerations(draft, last_.get(), config->changes, WalkGeneration(generation));
  if (!StoreRows(draft, memory_, *snapshot) ||
      !Store(generations, "walk generations", memory_, snapshot->walk_generation)) {
    return absl::ResourceExhaustedError("no memory for the rows of the snapshot");
  }
  status = StoreTables(draft, options_.hash_seed, memory_, *snapshot);
  if (!status.ok()) {
    return status;
  }
  NameIndices(draft, *config);
  config->snapshot = std::move(snapshot);
  config->intent = std::move(intent);
  last_ = std::move(config);
  return last_;
}

}  // namespace sluice
