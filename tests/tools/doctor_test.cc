// `sluice doctor` on machines laid out in a folder: reading them, judging them, printing both.
#include "tools/sluice/doctor.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* kV3 =
    "fpu cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma abm movbe xsave";

class MachineFolder : public ::testing::Test {
 protected:
  MachineFolder() {
    char folder[] = "/tmp/doctor_test-XXXXXX";
    folder_ = mkdtemp(folder);
    roots_ = {folder_ + "/sys", folder_ + "/proc", folder_ + "/dev", {folder_ + "/run"}};
  }
  ~MachineFolder() override { fs::remove_all(folder_); }
  void Write(const std::string& path, const std::string& text) {
    const fs::path file = fs::path(folder_) / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  // A machine with nothing to complain about.
  void WriteGoodMachine() {
    Write("proc/cpuinfo", std::string("processor : 0\nmodel name\t: Test CPU\nflags\t\t: ") + kV3 +
                              " aes constant_tsc nonstop_tsc avx512f avx512bw avx512dq avx512vl\n");
    Write("proc/self/status", "CapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-3\n");
    Write("proc/self/limits", "Max locked memory         unlimited            unlimited  bytes\n");
    Write("proc/meminfo", "MemAvailable:    8000000 kB\n");
    Write("proc/self/ns/user", "");
    Write("proc/sys/user/max_user_namespaces", "1000\n");
    Write("sys/devices/system/cpu/isolated", "2-3\n");
    Write("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    WriteHugePages(2048, 1024, 1000, 8);
    Write("dev/net/tun", "");
    fs::create_directories(folder_ + "/run");
  }
  void WriteHugePages(int kib, int total, int free, int reserved) {
    const std::string folder = "sys/kernel/mm/hugepages/hugepages-" + std::to_string(kib) + "kB/";
    Write(folder + "nr_hugepages", std::to_string(total) + "\n");
    Write(folder + "free_hugepages", std::to_string(free) + "\n");
    Write(folder + "resv_hugepages", std::to_string(reserved) + "\n");
  }
  void WriteNic(const std::string& address, const std::string& driver, const std::string& interface,
                const std::string& pci_class = "0x020000") {
    const std::string device = "sys/bus/pci/devices/" + address;
    Write(device + "/class", pci_class + "\n");
    Write(device + "/vendor", "0x8086\n");
    Write(device + "/device", "0x1572\n");
    if (!driver.empty()) {
      fs::create_directories(folder_ + "/sys/bus/pci/drivers/" + driver);
      fs::create_directory_symlink("../../drivers/" + driver, folder_ + "/" + device + "/driver");
    }
    if (!interface.empty()) {
      Write(device + "/virtio3/net/" + interface + "/mtu", "1500\n");
    }
  }
  std::vector<Finding> Look() { return Diagnose(ReadMachine(roots_)); }
  // The one finding of a check.
  Finding Of(const std::string& check) {
    Finding found;
    int count = 0;
    for (const Finding& finding : Look()) {
      if (finding.check == check) {
        found = finding;
        ++count;
      }
    }
    EXPECT_EQ(count, 1) << check;
    return found;
  }

  std::string folder_;
  MachineRoots roots_;
};

#define EXPECT_FINDING(finding, expected_health, words, expected_command)   \
  do {                                                                      \
    const Finding f = (finding);                                            \
    EXPECT_EQ(HealthName(f.health), HealthName(expected_health)) << f.what; \
    EXPECT_NE(f.what.find(words), std::string::npos) << f.what;             \
    EXPECT_EQ(f.command, expected_command);                                 \
  } while (false)

TEST_F(MachineFolder, AGoodMachineHasNothingToMend) {
  WriteGoodMachine();
  for (const Finding& finding : Look()) {
    EXPECT_EQ(finding.health, Health::kOk) << finding.check << ": " << finding.what;
    EXPECT_EQ(finding.command, "") << finding.check;
  }
  EXPECT_EQ(Overall(Look()), Health::kOk);
  EXPECT_FINDING(Of("cpu"), Health::kOk, "Test CPU: x86-64-v3, AES, AVX-512", "");
  EXPECT_FINDING(Of("hugepages"), Health::kOk, "992 of 1024 pages of 2 MB free", "");
  EXPECT_FINDING(Of("cores"), Health::kOk,
                 "4 CPUs may be used (0-3), isolated from the scheduler: 2-3", "");
}

TEST_F(MachineFolder, AnEmptyMachineIsJudgedWithoutTrouble) {
  const std::vector<Finding> findings = Look();
  EXPECT_EQ(Overall(findings), Health::kFix);
  for (const Finding& finding : findings) {
    EXPECT_NE(finding.what, "") << finding.check;
  }
}

TEST_F(MachineFolder, EveryMissingCpuFlagIsNamed) {
  WriteGoodMachine();
  Write("proc/cpuinfo",
        "model name : Old CPU\nflags : cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3 "
        "avx abm movbe xsave aes\n");
  EXPECT_FINDING(Of("cpu"), Health::kFix, "it lacks avx2 bmi1 bmi2 f16c fma.", "");
  Write("proc/cpuinfo", std::string("flags : ") + kV3 + "\n");
  EXPECT_FINDING(Of("cpu"), Health::kWarn, "no AES", "");
  EXPECT_FINDING(Of("tsc"), Health::kWarn, "not constant", "");
  Write("proc/cpuinfo", std::string("flags : ") + kV3 + " aes constant_tsc nonstop_tsc\n");
  EXPECT_FINDING(Of("cpu"), Health::kOk, "no AVX-512", "");
  Write("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  EXPECT_FINDING(
      Of("tsc"), Health::kWarn, "clock is hpet",
      "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource");
}

TEST_F(MachineFolder, CoresAreAWarningAtMost) {
  WriteGoodMachine();
  Write("sys/devices/system/cpu/isolated", "\n");
  EXPECT_FINDING(Of("cores"), Health::kWarn, "none isolated",
                 "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&isolcpus=1-3 nohz_full=1-3 "
                 "rcu_nocbs=1-3 /' /etc/default/grub && sudo update-grub && sudo reboot");
  Write("proc/self/status", "Cpus_allowed_list:\t2\n");
  EXPECT_FINDING(Of("cores"), Health::kWarn, "one CPU may be used",
                 "sudo taskset -pc 0-$(($(nproc --all)-1)) $$");
}

TEST_F(MachineFolder, HugePagesAreAskedForWithinHalfOfTheMemory) {
  WriteGoodMachine();
  WriteHugePages(2048, 100, 10, 0);
  EXPECT_FINDING(Of("hugepages"), Health::kWarn, "10 of 100 pages of 2 MB free",
                 "sudo sysctl -w vm.nr_hugepages=1024");
  Write("proc/meminfo", "MemAvailable:    1048576 kB\n");
  EXPECT_FINDING(Of("hugepages"), Health::kWarn, "correct but slow",
                 "sudo sysctl -w vm.nr_hugepages=256");
  WriteHugePages(1048576, 1, 1, 0);
  EXPECT_FINDING(Of("hugepages"), Health::kOk, "1 of 1 pages of 1 GB free", "");
}

TEST_F(MachineFolder, MemoryIsWhatTheControlGroupsLeave) {
  WriteGoodMachine();
  const auto usable_kib = [this] { return ReadMachine(roots_).usable_kib; };
  EXPECT_EQ(usable_kib(), 8000000u);
  Write("proc/self/cgroup", "0::/app/one\n");
  Write("sys/fs/cgroup/app/one/memory.max", "max\n");
  EXPECT_EQ(usable_kib(), 8000000u);
  Write("sys/fs/cgroup/app/memory.max", "1048576000\n");
  Write("sys/fs/cgroup/app/memory.current", "104857600\n");
  Write("sys/fs/cgroup/app/memory.stat", "anon 1\ninactive_file 52428800\n");
  EXPECT_EQ(usable_kib(), 950u * 1024);
  Write("sys/fs/cgroup/memory.max", "1048576\n");  // a container's own: the root of what it sees
  EXPECT_EQ(usable_kib(), 1024u);
  Write("sys/fs/cgroup/memory.current", "9000000\n");
  EXPECT_EQ(usable_kib(), 0u);
  EXPECT_EQ(ReadMachine(roots_).available_kib, 8000000u);
}

TEST_F(MachineFolder, MemoryIsWhatTheLimitsOfTheProcessLeave) {
  WriteGoodMachine();
  const auto usable_kib = [this] { return ReadMachine(roots_).usable_kib; };
  Write("proc/self/status",
        "VmSize:\t  100000 kB\nVmData:\t   40000 kB\nCpus_allowed_list:\t0-3\n");
  EXPECT_EQ(usable_kib(), 8000000u);
  Write("proc/self/limits",
        "Max data size             204800000            unlimited            bytes\n"
        "Max address space         unlimited            unlimited            bytes\n");
  EXPECT_EQ(usable_kib(), 160000u);
  Write("proc/self/limits", "Max address space         204800000            unlimited  bytes\n");
  EXPECT_EQ(usable_kib(), 100000u);
  Write("proc/self/limits", "Max address space         1024                 unlimited  bytes\n");
  EXPECT_EQ(usable_kib(), 0u);
}

TEST_F(MachineFolder, LockedMemoryMattersWithoutTheCapability) {
  WriteGoodMachine();
  Write("proc/self/limits", "Max locked memory         8388608              8388608    bytes\n");
  EXPECT_FINDING(Of("memlock"), Health::kOk, "8 MB, and CAP_IPC_LOCK", "");
  Write("proc/self/status", "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-3\n");
  EXPECT_FINDING(Of("memlock"), Health::kWarn, "8 MB may be locked",
                 "sudo prlimit --pid $$ --memlock=unlimited:unlimited");
}

TEST_F(MachineFolder, TapIsNeededUnlessANicIsThere) {
  WriteGoodMachine();
  fs::remove(folder_ + "/dev/net/tun");
  EXPECT_EQ(Of("tun").health, Health::kFix);
  EXPECT_EQ(Of("tun").command.substr(0, 19), "sudo modprobe tun |");
  WriteNic("0000:3b:00.0", "mlx5_core", "");
  EXPECT_EQ(Of("tun").health, Health::kWarn);
  EXPECT_FINDING(Of("nic"), Health::kOk,
                 "0000:3b:00.0 (8086:1572) is on mlx5_core: \"Device\": \"0000:3b:00.0\"", "");
}

TEST_F(MachineFolder, NicsAreListedWithTheCommandThatBindsThem) {
  WriteGoodMachine();
  WriteNic("0000:01:00.0", "nvme", "", "0x010802");
  WriteNic("0000:00:04.0", "virtio-pci", "eth0");
  EXPECT_FINDING(Of("nic"), Health::kOk,
                 "0000:00:04.0 (8086:1572) belongs to the kernel (virtio-pci, eth0); to use it",
                 "sudo modprobe vfio-pci && sudo dpdk-devbind.py --bind=vfio-pci 0000:00:04.0");
  Write("proc/net/route",
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth1\t0000A8C0\t00000000\t1\t0\t0\t0\t00FFFFFF\n"
        "eth0\t00000000\t0100A8C0\t3\t0\t0\t0\t00000000\n");
  EXPECT_FINDING(Of("nic"), Health::kOk, "default route: leave it there", "");
  fs::remove(folder_ + "/sys/bus/pci/devices/0000:00:04.0/driver");
  EXPECT_FINDING(Of("nic"), Health::kWarn, "has no driver",
                 "sudo modprobe vfio-pci && sudo dpdk-devbind.py --bind=vfio-pci 0000:00:04.0");
}

TEST_F(MachineFolder, VfioNeedsAnIommuOrTheLeaveToDoWithout) {
  WriteGoodMachine();
  EXPECT_FINDING(Of("iommu"), Health::kOk, "only ports on vfio-pci need it", "");
  WriteNic("0000:3b:00.0", "vfio-pci", "");
  EXPECT_FINDING(Of("vfio"), Health::kFix, "no /dev/vfio/vfio", "sudo modprobe vfio-pci");
  Write("dev/vfio/vfio", "");
  EXPECT_FINDING(Of("iommu"), Health::kFix, "off, so vfio-pci cannot serve",
                 "echo Y | sudo tee /sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
  Write("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
  EXPECT_EQ(Of("iommu").health, Health::kWarn);
  Write("sys/kernel/iommu_groups/7/type", "DMA\n");
  EXPECT_FINDING(Of("iommu"), Health::kOk, "on", "");
}

TEST_F(MachineFolder, WithoutCapabilitiesAUserNamespaceHelpsWhereItIsAllowed) {
  WriteGoodMachine();
  Write("proc/self/status", "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-3\n");
  EXPECT_FINDING(Of("permissions"), Health::kWarn, "no CAP_NET_ADMIN",
                 "unshare -Urnm sluiced --config=PATH");
  EXPECT_EQ(Of("namespaces").health, Health::kOk);
  Write("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
  EXPECT_FINDING(Of("namespaces"), Health::kFix, "may not be made",
                 "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
  EXPECT_FINDING(Of("permissions"), Health::kFix, "once allowed", "sudo sluiced --config=PATH");
  Write("proc/sys/user/max_user_namespaces", "0\n");
  EXPECT_FINDING(Of("namespaces"), Health::kFix, "may not be made",
                 "sudo sysctl -w user.max_user_namespaces=65536");
}

TEST_F(MachineFolder, ARuntimeFolderMustBeWritable) {
  WriteGoodMachine();
  fs::remove(folder_ + "/run");
  EXPECT_FINDING(Of("runtime-folder"), Health::kFix, "is writable",
                 "export RUNTIME_DIRECTORY=\"$(mktemp -d -p \"$HOME\")\"");
}

TEST(DoctorTest, TextAlignsAndJsonHasStableKeys) {
  const std::vector<Finding> findings = {{Health::kOk, "tsc", "constant", ""},
                                         {Health::kFix, "runtime-folder", "none", "mkdir x"}};
  EXPECT_EQ(DoctorText(findings),
            "OK    tsc             constant\n"
            "FIX   runtime-folder  none\n"
            "      $ mkdir x\n");
  const auto json = nlohmann::json::parse(DoctorJson(findings));
  EXPECT_EQ(json["Status"], "FIX");
  EXPECT_EQ(json["Findings"][0],
            (nlohmann::json{
                {"Status", "OK"}, {"Check", "tsc"}, {"What", "constant"}, {"Command", nullptr}}));
  EXPECT_EQ(json["Findings"][1]["Command"], "mkdir x");
}

TEST(DoctorTest, CpuListsReadAndPrint) {
  EXPECT_EQ(ParseCpuList("0-2,5\n"), (std::vector<int>{0, 1, 2, 5}));
  EXPECT_EQ(ParseCpuList(""), std::vector<int>());
  EXPECT_EQ(ParseCpuList("x,3"), std::vector<int>{3});
  EXPECT_EQ(ParseCpuList("0-999999999").size(), 4096u);
  EXPECT_EQ(CpuListText({0, 1, 2, 5}), "0-2,5");
  EXPECT_EQ(CpuListText({}), "");
}

}  // namespace
}  // namespace sluice
