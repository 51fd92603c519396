// The seam between the reference world and whoever knows which port a NAT gateway took. The
// pipeline draws ports from a keyed function of its seed; the oracle of a differential test cannot
// and should not repeat that. It adopts the observed port, and the world checks that the choice was
// legal (AWS-NAT-04, AWS-NAT-05, P4).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/explain/packet_view.h"
#include "control/intent/intent.h"

namespace sluice {

// A new flow that needs an address and a port of a gateway.
struct NatRequest {
  std::string gateway_id;
  std::vector<NatGatewayAddress> addresses;  // of the gateway, the primary first
  PacketHeader inside;                       // as it reached the gateway
};

class NatPortOracle {
 public:
  virtual ~NatPortOracle() = default;

  // The private address of the gateway that the flow uses. Asked before the walk goes on, so that
  // rules see it.
  virtual Ipv4Address ChooseAddress(const NatRequest& request) = 0;

  // The port (or ICMP query id), nullopt when the gateway has none left. Asked once all checks have
  // passed. `is_free` says whether a port has no live flow to the same destination.
  virtual std::optional<uint16_t> ChoosePort(const NatRequest& request, Ipv4Address address,
                                             const std::function<bool(uint16_t)>& is_free) = 0;
};

// Keeps the flow's own port when that is legal and free, else takes the first free one from 1024.
class FirstFreeNatPorts final : public NatPortOracle {
 public:
  Ipv4Address ChooseAddress(const NatRequest& request) override;
  std::optional<uint16_t> ChoosePort(const NatRequest& request, Ipv4Address address,
                                     const std::function<bool(uint16_t)>& is_free) override;
};

// Takes address and port from the frames that the pipeline under test sent for the same arrival.
// Without an observed frame (the pipeline dropped it) the primary address and the first free port
// are taken, or none when the pipeline said nat_ports_exhausted.
class ObservedNatPorts final : public NatPortOracle {
 public:
  // Call before ReferenceWorld::Receive of the same arrival.
  void Observe(std::vector<Bytes> sent_frames, bool ports_exhausted);

  Ipv4Address ChooseAddress(const NatRequest& request) override;
  std::optional<uint16_t> ChoosePort(const NatRequest& request, Ipv4Address address,
                                     const std::function<bool(uint16_t)>& is_free) override;

 private:
  std::optional<PacketHeader> FindSent(const NatRequest& request) const;

  std::vector<Bytes> sent_frames_;
  bool ports_exhausted_ = false;
  FirstFreeNatPorts otherwise_;
};

}  // namespace sluice
