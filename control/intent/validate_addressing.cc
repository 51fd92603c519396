// CIDRs of VPCs and subnets: AWS-ADDR-01..05 and -07.
#include <algorithm>
#include <array>
#include <map>

#include "control/intent/validation.h"

namespace sluice {
namespace {

constexpr uint8_t kMinLength = 16;
constexpr uint8_t kMaxLength = 28;
constexpr size_t kCidrQuota = 5;
constexpr size_t kSubnetQuota = 200;

constexpr Ipv4Prefix kTen{Ipv4Address(10, 0, 0, 0), 8};
constexpr Ipv4Prefix kOneSevenTwo{Ipv4Address(172, 16, 0, 0), 12};
constexpr Ipv4Prefix kOneNineTwo{Ipv4Address(192, 168, 0, 0), 16};
constexpr Ipv4Prefix kTest19{Ipv4Address(198, 19, 0, 0), 16};

struct Forbidden {
  Ipv4Prefix range;
  std::string_view why;
};
constexpr std::array<Forbidden, 4> kForbidden = {{
    {{Ipv4Address(169, 254, 0, 0), 16}, "link-local"},
    {{Ipv4Address(0, 0, 0, 0), 8}, "\"this network\""},
    {{Ipv4Address(127, 0, 0, 0), 8}, "loopback"},
    {{Ipv4Address(224, 0, 0, 0), 3}, "multicast or reserved"},
}};

// The range of AWS-ADDR-05's table that holds the prefix: 1..3 the RFC 1918 blocks, 4
// 198.19.0.0/16, 0 any other.
int RangeClass(const Ipv4Prefix& cidr) {
  if (kTen.Contains(cidr)) return 1;
  if (kOneSevenTwo.Contains(cidr)) return 2;
  if (kOneNineTwo.Contains(cidr)) return 3;
  if (kTest19.Contains(cidr)) return 4;
  return 0;
}

bool LengthFits(const Ipv4Prefix& cidr) {
  return cidr.length >= kMinLength && cidr.length <= kMaxLength;
}

// Where the i-th CIDR of a VPC was written.
JsonValue CidrPlace(const Drafted<Vpc>& vpc, size_t i) {
  if (i == 0) {
    return vpc.Member("CidrBlock");
  }
  const JsonValue set = vpc.origin.Find("CidrBlockAssociationSet");
  for (JsonValue a = set.exists() ? set.FirstChild() : JsonValue(); a.exists();
       a = a.NextSibling()) {
    const JsonValue text = a.Find("CidrBlock");
    if (text.exists() && text.kind() == JsonKind::kString) {
      const std::optional<Ipv4Prefix> cidr = ParseIpv4Prefix(text.AsString());
      if (cidr && cidr->Canonical() == vpc.value.cidrs[i]) {
        return text;
      }
    }
  }
  return vpc.origin;
}

void ValidateCidr(Validation& v, const Drafted<Vpc>& vpc, size_t i) {
  const Ipv4Prefix& cidr = vpc.value.cidrs[i];
  const std::string text = ToString(cidr);
  const auto refuse = [&](std::string what) {
    v.issues.Error(CidrPlace(vpc, i), vpc.value.id, std::move(what), "InvalidVpc.Range");
  };
  if (!LengthFits(cidr)) {
    refuse(text + " is not between /16 and /28");
  }
  for (const Forbidden& forbidden : kForbidden) {
    if (forbidden.range.Overlaps(cidr)) {
      refuse(text + " overlaps " + ToString(forbidden.range) + ", which is " +
             std::string(forbidden.why));
    }
  }
  for (size_t j = 0; j < i; ++j) {
    if (cidr.Overlaps(vpc.value.cidrs[j])) {
      refuse(text + " overlaps " + ToString(vpc.value.cidrs[j]) + " of the same VPC");
    }
  }
  if (i == 0) {
    return;
  }
  // RFC 1918 blocks do not join a primary of another one; 198.19.0.0/16 joins none of them.
  const int own = RangeClass(cidr);
  for (size_t j = 0; j < i; ++j) {
    const int other = RangeClass(vpc.value.cidrs[j]);
    if (own != 0 && other != 0 && own != other && (j == 0 || own == 4 || other == 4)) {
      refuse(text + " cannot join a VPC whose " + (j == 0 ? "primary " : "") + "CIDR is " +
             ToString(vpc.value.cidrs[j]) + ": RFC 1918 blocks and 198.19.0.0/16 do not mix");
    }
  }
}

bool InVpc(const Vpc& vpc, const Ipv4Prefix& cidr) {
  return std::any_of(vpc.cidrs.begin(), vpc.cidrs.end(),
                     [&](const Ipv4Prefix& block) { return block.Contains(cidr); });
}

void ValidateSubnet(Validation& v, const Drafted<Subnet>& subnet) {
  const Drafted<Vpc>* vpc = v.RequireVpc(subnet);
  if (subnet.broken) {
    return;
  }
  const JsonValue where = subnet.Member("CidrBlock");
  const std::string text = ToString(subnet.value.cidr);
  if (!LengthFits(subnet.value.cidr)) {
    v.issues.Error(where, subnet.value.id, text + " is not between /16 and /28",
                   "InvalidSubnet.Range");
  }
  if (vpc != nullptr && !vpc->broken && !InVpc(vpc->value, subnet.value.cidr)) {
    v.issues.Error(where, subnet.value.id, text + " lies in no CIDR of " + vpc->value.id,
                   "InvalidSubnet.Range");
  }
}

// Each overlap once, at the later of the two in address order: a sweep keeps the block that reaches
// farthest.
void FindOverlaps(Validation& v, std::vector<const Drafted<Subnet>*>& siblings) {
  std::sort(siblings.begin(), siblings.end(), [](const auto* a, const auto* b) {
    return std::pair(a->value.cidr, a->origin.Order()) <
           std::pair(b->value.cidr, b->origin.Order());
  });
  const Drafted<Subnet>* reach = nullptr;
  for (const Drafted<Subnet>* subnet : siblings) {
    if (reach != nullptr && reach->value.cidr.Overlaps(subnet->value.cidr)) {
      v.issues.Error(subnet->Member("CidrBlock"), subnet->value.id,
                     ToString(subnet->value.cidr) + " overlaps " + ToString(reach->value.cidr) +
                         " of " + reach->value.id,
                     "InvalidSubnet.Conflict");
    }
    if (reach == nullptr || subnet->value.cidr.Last() > reach->value.cidr.Last()) {
      reach = subnet;
    }
  }
}

}  // namespace

void ValidateVpcAddressing(Validation& v) {
  for (const Drafted<Vpc>& vpc : v.draft.vpcs) {
    for (size_t i = 0; i < vpc.value.cidrs.size(); ++i) {
      ValidateCidr(v, vpc, i);
    }
    if (vpc.value.cidrs.size() > kCidrQuota) {
      v.context.Quota(vpc.origin, vpc.value.id,
                      "more than 5 CIDRs: AWS's default quota, 50 at most",
                      "VpcCidrBlockLimitExceeded");
    }
  }
  std::map<std::string, std::vector<const Drafted<Subnet>*>> by_vpc;
  for (const Drafted<Subnet>& subnet : v.draft.subnets) {
    ValidateSubnet(v, subnet);
    if (!subnet.broken) {
      by_vpc[subnet.value.vpc_id].push_back(&subnet);
    }
  }
  for (auto& [vpc_id, siblings] : by_vpc) {
    const Drafted<Vpc>* vpc = v.vpcs.Find(vpc_id);
    if (siblings.size() > kSubnetQuota && vpc != nullptr) {
      v.context.Quota(vpc->origin, vpc_id, "more than 200 subnets: AWS's default quota",
                      "SubnetLimitExceeded");
    }
    FindOverlaps(v, siblings);
  }
}

}  // namespace sluice
