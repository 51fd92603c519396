#include "dataplane/runtime/attach_hint.h"

#include <gtest/gtest.h>
#include <linux/capability.h>

#include "dataplane/base/remedy.h"

namespace sluice {
namespace {

constexpr uint64_t kAll = ~uint64_t{0};

TEST(AttachHintTest, NamesWhatIsMissingAndTheCommand) {
  const std::string tap = "net_tap0,iface=web";
  EXPECT_EQ(AttachHint(tap, {}), "");
  EXPECT_EQ(AttachHint(tap, {.tun_exists = false, .tun_opens = false}),
            "; there is no /dev/net/tun: net_tap ports do not work: `sudo modprobe tun || { sudo "
            "mkdir -p /dev/net && sudo mknod -m 0666 /dev/net/tun c 10 200; }`");
  EXPECT_EQ(AttachHint(tap, {.tun_opens = false}), Advice(TunForbidden()));
  EXPECT_EQ(AttachHint(tap, {.capabilities = kAll & ~(uint64_t{1} << CAP_NET_ADMIN)}),
            Advice(NoNetAdmin()));
  const std::string packet = "net_af_packet0,iface=veth1,blocksz=4096";
  EXPECT_EQ(AttachHint(packet, {.capabilities = kAll & ~(uint64_t{1} << CAP_NET_RAW)}),
            Advice(NoNetRaw()));
  EXPECT_EQ(AttachHint(packet, {.device_exists = false}),
            "; there is no network interface veth1; those there are: `ip -br link`");
  EXPECT_NE(AttachHint("0000:3b:00.0", {.device_exists = false}).find("no PCI device 0000:3b:00.0"),
            std::string::npos);
  EXPECT_NE(AttachHint("0000:3b:00.0", {}).find("--bind=vfio-pci 0000:3b:00.0`"),
            std::string::npos);
  EXPECT_EQ(AttachHint("net_null0", {}), "");
}

TEST(AttachHintTest, TheMachinesFactsAreRead) {
  EXPECT_TRUE(ReadAttachFacts("net_af_packet0,iface=lo").device_exists);
  EXPECT_FALSE(ReadAttachFacts("net_af_packet0,iface=no-such-if").device_exists);
  EXPECT_FALSE(ReadAttachFacts("0000:ff:1f.7").device_exists);
}

}  // namespace
}  // namespace sluice
