// The key of one flow direction: who sent it, and its five-tuple. A value, any thread.
//
// Scope is a dense 24-bit id of the *sending side* (an interface index, or the id of `internet` or
// of one Services side), never the VPC: an appliance shows the same five-tuple twice inside one
// VPC. All fields host order.
//
// ICMP queries (RFC 792) have no ports. Their two port places hold the query identifier and the
// query kind (the type of the request), and replies carry a key protocol of their own, so that a
// request and its reply share the kind and the identifier, NAT translates the identifier where it
// would translate a port, and a request never has the key of a reply, whatever the identifiers:
//   request: source port = identifier, destination port = kind, key protocol = 1
//   reply:   source port = kind, destination port = identifier, key protocol =
//   kKeyProtocolIcmpReply
// Protocols without ports carry zero ports.
#pragma once

#include <cstdint>
#include <type_traits>

#include "dataplane/packet/protocol.h"

namespace sluice {

inline constexpr uint32_t kMaxScope = (1u << 24) - 1;

// IANA reserves protocol 255. A frame that carries it has zero ports in its key, an ICMP reply
// never has (kind >= 8).
inline constexpr uint8_t kKeyProtocolIcmpReply = 255;

struct SessionKey {
  uint64_t addresses = 0;  // source << 32 | destination
  uint64_t rest = 0;  // source port << 48 | destination port << 32 | key protocol << 24 | scope

  constexpr uint32_t src() const { return static_cast<uint32_t>(addresses >> 32); }
  constexpr uint32_t dst() const { return static_cast<uint32_t>(addresses); }
  constexpr uint16_t src_l4_port() const { return static_cast<uint16_t>(rest >> 48); }
  constexpr uint16_t dst_l4_port() const { return static_cast<uint16_t>(rest >> 32); }
  constexpr uint8_t key_protocol() const { return static_cast<uint8_t>(rest >> 24); }
  constexpr uint32_t scope() const { return static_cast<uint32_t>(rest) & kMaxScope; }

  constexpr bool is_icmp_reply() const {
    return key_protocol() == kKeyProtocolIcmpReply && src_l4_port() != 0;
  }
  // The protocol of the packet.
  constexpr uint8_t protocol() const { return is_icmp_reply() ? kProtocolIcmp : key_protocol(); }

  friend constexpr bool operator==(const SessionKey& a, const SessionKey& b) {
    return ((a.addresses ^ b.addresses) | (a.rest ^ b.rest)) == 0;
  }
};
static_assert(sizeof(SessionKey) == 16 && std::is_trivially_copyable_v<SessionKey>);

// `scope` is at most kMaxScope; higher bits are cut off.
constexpr SessionKey MakeSessionKey(uint32_t scope, uint32_t src, uint32_t dst,
                                    uint16_t src_l4_port, uint16_t dst_l4_port,
                                    uint8_t key_protocol) {
  return {uint64_t{src} << 32 | dst, uint64_t{src_l4_port} << 48 | uint64_t{dst_l4_port} << 32 |
                                         uint64_t{key_protocol} << 24 | (scope & kMaxScope)};
}

// What an ICMP message is to a session.
struct IcmpQuery {
  bool is_query = false;  // a request or a reply with code 0: only these make or find sessions
  bool is_reply = false;
  uint8_t kind = 0;  // the request type of the pair
};

// Echo 8/0, timestamp 13/14, information 15/16, address mask 17/18; anything else is no query.
constexpr IcmpQuery ClassifyIcmp(uint8_t type, uint8_t code) {
  if (code != 0) {
    return {};
  }
  if (type == kIcmpEcho || type == kIcmpEchoReply) {
    return {true, type == kIcmpEchoReply, kIcmpEcho};
  }
  if (type >= kIcmpTimestamp && type <= 18) {
    const bool reply = (type & 1) == 0;
    return {true, reply, static_cast<uint8_t>(reply ? type - 1 : type)};
  }
  return {};
}

// The key of an ICMP query message as its sender sent it. Only for query.is_query.
constexpr SessionKey MakeIcmpSessionKey(uint32_t scope, uint32_t src, uint32_t dst, uint16_t id,
                                        IcmpQuery query) {
  return query.is_reply ? MakeSessionKey(scope, src, dst, query.kind, id, kKeyProtocolIcmpReply)
                        : MakeSessionKey(scope, src, dst, id, query.kind, kProtocolIcmp);
}

// The key of the answer to a packet whose receiver, in `answering_scope`, sees it with the
// addresses and ports of `seen`: source and destination change places, and an ICMP request becomes
// its reply (or back).
constexpr SessionKey AnswerKey(const SessionKey& seen, uint32_t answering_scope) {
  uint8_t key_protocol = seen.key_protocol();
  if (seen.is_icmp_reply()) {
    key_protocol = kProtocolIcmp;
  } else if (key_protocol == kProtocolIcmp) {
    key_protocol = kKeyProtocolIcmpReply;
  }
  return MakeSessionKey(answering_scope, seen.dst(), seen.src(), seen.dst_l4_port(),
                        seen.src_l4_port(), key_protocol);
}

// The same key with another source port or query identifier: the place NAT translates in the
// request direction.
constexpr SessionKey WithSrcPort(SessionKey key, uint16_t src_l4_port) {
  key.rest = (key.rest & 0x0000'ffff'ffff'ffff) | uint64_t{src_l4_port} << 48;
  return key;
}
// The same key with another destination port or query identifier: the place of the reply direction.
constexpr SessionKey WithDstPort(SessionKey key, uint16_t dst_l4_port) {
  key.rest = (key.rest & 0xffff'0000'ffff'ffff) | uint64_t{dst_l4_port} << 32;
  return key;
}

}  // namespace sluice
