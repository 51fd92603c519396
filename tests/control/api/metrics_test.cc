// /metrics as text: families, labels, and the rules of the exposition format.
#include "control/api/metrics.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/control/api/fake_daemon.h"

namespace sluice {
namespace {

using testing::FakeDaemon;

TEST(MetricsTest, EveryLabelOfTheContractIsThere) {
  FakeDaemon daemon;
  daemon.AddSession({});
  daemon.worker(1).ports[0].dropped[static_cast<size_t>(DropReason::kSgIngress)].Add(3);
  daemon.worker(1).session_hits.Add(9);
  daemon.worker(0).stages[static_cast<size_t>(StageId::kParse)].packets.Add(5);
  daemon.worker(1).conntrack_exceeded[daemon.InterfaceIdxOf("eni-app")].Add(6);
  const std::string text = MetricsText(daemon.view());
  for (const char* sample :
       {"sluice_dropped_packets_total{port=\"web\",reason=\"sg_ingress\"} 3\n",
        "sluice_stage_packets_total{stage=\"parse\"} 5\n",
        "sluice_session_hits_total{worker=\"1\"} 9\n",
        "sluice_worker_busy_seconds_total{worker=\"0\"} 1.25e-07\n",
        "sluice_port_up{port=\"web\"} 1\n", "sluice_sessions 1\n", "sluice_max_sessions 256\n",
        "sluice_generation 1\n", "sluice_interface_sessions{eni=\"eni-web\",vpc=\"vpc-a\"} 1\n",
        "sluice_conntrack_allowance_available{eni=\"eni-app\",vpc=\"vpc-a\"} 255\n",
        "sluice_accept_failures_total{server=\"operators\"} 2\n",
        "sluice_conntrack_allowance_exceeded_total{eni=\"eni-app\",vpc=\"vpc-a\"} 6\n"}) {
    EXPECT_NE(text.find(sample), std::string::npos) << sample;
  }
}

TEST(MetricsTest, AWS_NAT_15_CloudWatchsNamesInSnakeCase) {
  FakeDaemon daemon;
  daemon.worker(1).nat_gateways[0].from_source.left_bytes.Add(77);
  const std::string text = MetricsText(daemon.view());
  for (const char* counter :
       {"bytes_in_from_destination", "bytes_out_to_source", "connection_attempt_count",
        "connection_established_count", "error_port_allocation", "idle_timeout_count",
        "packets_drop_count", "packets_in_from_destination", "packets_in_from_source",
        "packets_out_to_destination", "packets_out_to_source"}) {
    const std::string name = std::string("sluice_") + counter + "_total";
    EXPECT_NE(text.find("# TYPE " + name + " counter\n" + name +
                        "{nat_gateway=\"nat-a\",vpc=\"vpc-a\"} 0\n"),
              std::string::npos)
        << name;
  }
  for (const char* sample :
       {"sluice_bytes_in_from_source_total{nat_gateway=\"nat-a\",vpc=\"vpc-a\"} 77\n",
        "sluice_bytes_out_to_destination_total{nat_gateway=\"nat-a\",vpc=\"vpc-a\"} 77\n",
        // promtool keeps "_count" of other types for histograms.
        "# TYPE sluice_active_connection_count untyped\n"
        "sluice_active_connection_count{nat_gateway=\"nat-a\",vpc=\"vpc-a\"} 0\n"}) {
    EXPECT_NE(text.find(sample), std::string::npos) << sample;
  }
}

TEST(MetricsTest, FamiliesAreWhole) {
  const FakeDaemon daemon;
  std::istringstream lines(MetricsText(daemon.view()));
  std::set<std::string> families;
  std::set<std::string> samples;
  std::string family;
  std::string kind;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# HELP ", 0) == 0) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << family << " is there twice";
      continue;
    }
    if (line.rfind("# TYPE ", 0) == 0) {
      kind = line.substr(line.rfind(' ') + 1);
      const bool total = family.size() > 6 && family.substr(family.size() - 6) == "_total";
      EXPECT_EQ(total, kind == "counter") << family;
      continue;
    }
    EXPECT_EQ(line.substr(0, line.find_first_of("{ ")), family);
    EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
  EXPECT_GT(families.size(), 25u);
}

}  // namespace
}  // namespace sluice
