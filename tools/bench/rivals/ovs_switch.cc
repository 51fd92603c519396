#include "tools/bench/rivals/ovs_switch.h"

#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/status/status.h"
#include "dataplane/runtime/eal_plan.h"
#include "tools/bench/machine.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

// Where Debian's package has them.
constexpr const char* kProgram = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";
constexpr const char* kSchema = "/usr/share/openvswitch/vswitch.ovsschema";
constexpr const char* kSecondsToAnswer = "20";
constexpr int kStartTries = 300;
constexpr uint32_t kTryUs = 50'000;
constexpr const char* kForwardingThread = "pmd-c";
// The pool that Open vSwitch asks for, 262,144 buffers, each on a page of its own, and the rest.
constexpr uint64_t kDpdkMegabytes = 1280;

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// "0x100" for CPU 8.
std::string CpuMask(int cpu) {
  constexpr const char* kDigits[] = {"1", "2", "4", "8"};
  return std::string("0x") + kDigits[cpu % 4] + std::string(static_cast<size_t>(cpu / 4), '0');
}

std::string PortDevice(int number, const std::string& capture, bool endless) {
  return "options:dpdk-devargs=net_pcap" + std::to_string(number) + ",rx_pcap=" + capture +
         (endless ? ",infinite_rx=1" : "");
}

}  // namespace

absl::Status OvsSwitch::Installed() {
  for (const char* program : {"ovsdb-tool", "ovsdb-server", "ovs-vsctl", "ovs-ofctl", "ovs-appctl",
                              "unshare", "timeout", "env"}) {
    if (RunChild({"sh", "-c", std::string("command -v ") + program}).exit_code != 0) {
      return absl::UnavailableError(std::string(program) +
                                    " is not in PATH; apt-get install openvswitch-switch-dpdk, and "
                                    "PATH=$PATH:/usr/sbin");
    }
  }
  for (const char* file : {kProgram, kSchema}) {
    if (access(file, R_OK) != 0) {
      return absl::UnavailableError(std::string(file) +
                                    " is not there; apt-get install openvswitch-switch-dpdk");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<OvsSwitch>> OvsSwitch::Make() {
  const char* parent = std::getenv("TMPDIR");
  std::string folder =
      std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") + "/sluice-ovs-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::UnavailableError("no temporary folder " + folder + " can be made; set TMPDIR");
  }
  return std::unique_ptr<OvsSwitch>(new OvsSwitch(folder));
}

OvsSwitch::~OvsSwitch() {
  switch_.reset();
  database_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

// With everything that could lead it to another Open vSwitch of the machine pointing here. Large
// pages for what it allocates are asked for as our tables ask for them (glibc 2.35).
std::vector<std::string> OvsSwitch::Words(std::vector<std::string> command) const {
  std::vector<std::string> words = {"env",
                                    "OVS_RUNDIR=" + folder_,
                                    "OVS_DBDIR=" + folder_,
                                    "OVS_LOGDIR=" + folder_,
                                    "OVS_SYSCONFDIR=" + folder_,
                                    "RUNTIME_DIRECTORY=" + folder_,
                                    "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

absl::StatusOr<std::string> OvsSwitch::Ask(std::vector<std::string> command) const {
  command.insert(command.begin(), {"timeout", "-k", "1", kSecondsToAnswer});
  const ChildResult result = RunChild(Words(command));
  if (result.exit_code != 0) {
    return absl::InternalError(command[4] + " does not do it: " +
                               LastLines(result.err.empty() ? Complaint() : result.err, 1));
  }
  return result.out;
}

// The last error in the switch's log, or its last line.
std::string OvsSwitch::Complaint() const {
  const std::string log = ReadText(folder_ + "/switch.log");
  std::istringstream lines(log);
  std::string last, worst;
  while (std::getline(lines, last)) {
    const bool bad =
        last.find("|ERR|") != std::string::npos || last.find("|EMER|") != std::string::npos;
    worst = bad ? last : worst;
  }
  return worst.empty() ? LastLines(log, 1) : worst;
}

absl::Status OvsSwitch::WaitForSocket(const std::string& name, BackgroundChild& child) const {
  for (int i = 0; i < kStartTries && child.Running(); ++i) {
    if (std::filesystem::exists(folder_ + "/" + name)) {
      return absl::OkStatus();
    }
    usleep(kTryUs);
  }
  return absl::InternalError("it does not start: " + Complaint());
}

absl::Status OvsSwitch::Configure() const {
  const MachineFacts machine = ReadMachineFacts();
  const bool huge = machine.free_2m_bytes >= kDpdkMegabytes << 20;
  // --legacy-mem keeps Open vSwitch from adding --in-memory, which DPDK refuses beside --no-huge.
  const std::string memory = huge ? "--in-memory" : "--no-huge --legacy-mem --no-shconf";
  return Ask({"ovs-vsctl", "--no-wait", "--db=unix:" + folder_ + "/db.sock", "init", "--", "set",
              "Open_vSwitch", ".", "other_config:dpdk-init=true",
              "other_config:dpdk-extra=\"" + memory + " -m " + std::to_string(kDpdkMegabytes) +
                  " --no-pci --no-telemetry --file-prefix=ovs" + std::to_string(getpid()) + "\"",
              "other_config:dpdk-lcore-mask=" + CpuMask(machine.cpus.front()),
              "other_config:pmd-cpu-mask=" + CpuMask(machine.cpus.back())})
      .status();
}

absl::Status OvsSwitch::Start() {
  const std::string database = folder_ + "/conf.db";
  const std::string server = folder_ + "/db.sock";
  if (const auto made = Ask({"ovsdb-tool", "create", database, kSchema}); !made.ok()) {
    return made.status();
  }
  database_ =
      std::make_unique<BackgroundChild>(Words({"ovsdb-server", database, "--remote=punix:" + server,
                                               "--unixctl=" + folder_ + "/db.ctl", "--no-chdir"}),
                                        folder_ + "/database.log");
  absl::Status status = WaitForSocket("db.sock", *database_);
  if (status.ok()) {
    status = Configure();
  }
  if (!status.ok()) {
    return status;
  }
  // Its bridge's own interface is a TAP device, which the namespace keeps from everybody else.
  std::vector<std::string> words = {
      "unshare",        geteuid() == 0 ? "-n" : "-Urn",         kProgram,
      "unix:" + server, "--unixctl=" + folder_ + "/switch.ctl", "--no-chdir"};
  switch_ = std::make_unique<BackgroundChild>(Words(words), folder_ + "/switch.log");
  status = WaitForSocket("switch.ctl", *switch_);
  if (!status.ok()) {
    return status;
  }
  return Ask({"ovs-vsctl", "--db=unix:" + server, "add-br", "br0", "--", "set", "bridge", "br0",
              "datapath_type=netdev", "fail-mode=secure"})
      .status();
}

absl::Status OvsSwitch::SetFlows(const std::string& flows) {
  const std::string path = folder_ + "/flows";
  std::ofstream(path) << flows;
  return Ask({"ovs-ofctl", "--bundle", "replace-flows", folder_ + "/br0.mgmt", path}).status();
}

absl::Status OvsSwitch::AddPorts(const OvsPorts& ports) {
  std::vector<std::string> command = {"ovs-vsctl", "--db=unix:" + folder_ + "/db.sock"};
  const std::string captures[] = {ports.captures.inside, ports.captures.outside};
  for (int i = 0; i < 2; ++i) {
    const std::string number = std::to_string(i + 1);
    command.insert(command.end(), {"--", "add-port", "br0", "p" + number, "--", "set", "Interface",
                                   "p" + number, "type=dpdk", "ofport_request=" + number,
                                   PortDevice(i + 1, captures[i], ports.endless)});
  }
  const auto added = Ask(command);
  if (!added.ok()) {
    return added.status();
  }
  // vsctl succeeds and the interface carries the error.
  const auto errors = Ask({"ovs-vsctl", "--db=unix:" + folder_ + "/db.sock", "get", "Interface",
                           "p1", "error", "--", "get", "Interface", "p2", "error"});
  if (!errors.ok()) {
    return errors.status();
  }
  return *errors == "[]\n[]\n" ? absl::OkStatus() : absl::InternalError("a port: " + Complaint());
}

absl::StatusOr<OvsCounters> OvsSwitch::Counters() const {
  const auto text =
      Ask({"ovs-appctl", "-t", folder_ + "/switch.ctl", "dpif-netdev/pmd-stats-show"});
  return text.ok() ? ReadOvsCounters(*text) : text.status();
}

absl::StatusOr<OvsTraffic> OvsSwitch::Traffic() const {
  const auto text = Ask({"ovs-appctl", "-t", folder_ + "/switch.ctl", "dpif-netdev/pmd-perf-show"});
  return text.ok() ? ReadOvsTraffic(*text) : text.status();
}

absl::StatusOr<uint64_t> OvsSwitch::ConnectionCount() const {
  const auto text = Ask({"ovs-appctl", "-t", folder_ + "/switch.ctl", "dpctl/ct-get-nconns"});
  if (!text.ok()) {
    return text.status();
  }
  return std::strtoull(text->c_str(), nullptr, 10);
}

absl::StatusOr<OvsConnections> OvsSwitch::Connections(uint32_t zone,
                                                      const std::string& nat_address) const {
  const auto text = Ask({"ovs-appctl", "-t", folder_ + "/switch.ctl", "dpctl/dump-conntrack",
                         "zone=" + std::to_string(zone)});
  if (!text.ok()) {
    return text.status();
  }
  return CountOvsConnections(*text, nat_address);
}

absl::Status OvsSwitch::SetMaxConnections(uint64_t count) const {
  return Ask({"ovs-appctl", "-t", folder_ + "/switch.ctl", "dpctl/ct-set-maxconns",
              std::to_string(count)})
      .status();
}

uint64_t OvsSwitch::ForwardingCpuNs() const {
  return CpuNsOfThread(switch_->pid(), kForwardingThread);
}

std::string OvsSwitch::MemoryMode() const {
  return MemoryModeOf(ReadText("/proc/" + std::to_string(switch_->pid()) + "/smaps_rollup"));
}

}  // namespace sluice
