// The client's verbs against an operator socket: exit codes, what is printed, what is sent.
#include <gflags/gflags.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "control/api/operator_server.h"
#include "control/api/operator_verbs.h"
#include "tests/control/api/fake_daemon.h"
#include "tools/sluice/top_screen.h"
#include "tools/sluice/verbs.h"

namespace sluice {
namespace {

using testing::FakeDaemon;
using Json = nlohmann::ordered_json;

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class LiveVerbsTest : public ::testing::Test {
 protected:
  LiveVerbsTest() {
    char folder[] = "/tmp/live_verbs_test-XXXXXX";
    folder_ = mkdtemp(folder);
    socket_ = folder_ + "/s.sock";
  }
  ~LiveVerbsTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  // Requests are kept, then answered by `answer`.
  void Serve(std::function<std::string(const Json&)> answer) {
    auto server = OperatorServer::Start({.path = socket_}, [this, answer](std::string_view line) {
      requests_.push_back(Json::parse(line));
      return answer(requests_.back());
    });
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = *std::move(server);
  }
  void ServeDaemon() {
    Serve([this](const Json& request) { return AnswerOperator(daemon_.view(), request.dump()); });
  }
  Outcome Run(std::vector<std::string> words) {
    const gflags::FlagSaver saver;
    words.push_back("--socket=" + socket_);
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.exit_code = RunCommandLine(AllVerbs(), words);
    outcome.out = ::testing::internal::GetCapturedStdout();
    outcome.err = ::testing::internal::GetCapturedStderr();
    return outcome;
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }

  std::string folder_;
  std::string socket_;
  FakeDaemon daemon_;
  std::vector<Json> requests_;  // by the server's thread; read after an answer has come
  std::unique_ptr<OperatorServer> server_;
};

TEST_F(LiveVerbsTest, WithoutADaemonEveryVerbSaysHowToStartOne) {
  const std::vector<std::vector<std::string>> lines = {
      {"apply", folder_ + "/x"},
      {"diff", folder_ + "/x"},
      {"export"},
      {"rollback", "1"},
      {"show", "drops"},
      {"top"},
      {"explain", "--from=eni-web", "--to=10.0.1.10", "--dport=1"}};
  Write("x", "{}");
  for (const std::vector<std::string>& line : lines) {
    const Outcome outcome = Run(line);
    EXPECT_EQ(outcome.exit_code, kExitNo) << line[0];
    EXPECT_EQ(outcome.out, "") << line[0];
    EXPECT_NE(outcome.err.find("no sluiced answers at " + socket_), std::string::npos);
    EXPECT_NE(outcome.err.find("start one with `sluiced --config=PATH`"), std::string::npos);
  }
  const Outcome json = Run({"show", "drops", "-j"});
  EXPECT_EQ(json.exit_code, kExitNo);
  EXPECT_EQ(Json::parse(json.out)["Ok"], false);
}

TEST_F(LiveVerbsTest, MistakesAreUsageAndAreNotSent) {
  ServeDaemon();
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"apply"},
                                             {"diff"},
                                             {"export", "x"},
                                             {"rollback"},
                                             {"rollback", "x"},
                                             {"rollback", "0"},
                                             {"rollback", "1", "2"},
                                             {"show"},
                                             {"show", "drops", "x"},
                                             {"show", "routes", "a", "b"},
                                             {"top", "x"},
                                             {"top", "--period=0"},
                                             {"explain"},
                                             {"show", "drops", "--sport=3"}}) {
    const Outcome outcome = Run(line);
    EXPECT_EQ(outcome.exit_code, kExitUsage) << line[0];
    EXPECT_NE(outcome.err.find("Try `sluice --help`"), std::string::npos) << outcome.err;
  }
  EXPECT_TRUE(requests_.empty());
  EXPECT_EQ(Run({"show", "packets"}).exit_code, kExitUsage);
  EXPECT_EQ(Run({"show", "sessions", "--proto=tpc"}).exit_code, kExitUsage);
  EXPECT_EQ(Run({"show", "sessions", "--limit=0"}).exit_code, kExitUsage);
}

TEST_F(LiveVerbsTest, ApplyUnitesPathsAndPrintsGenerationAndChanges) {
  ServeDaemon();
  const std::string base = Write("base/a.json", testing::SampleWithHost());
  const std::string more = Write("more.json", testing::kOneMoreGroup);
  const Outcome diff = Run({"diff", folder_ + "/base", more});
  EXPECT_EQ(diff.exit_code, kExitYes);
  EXPECT_EQ(diff.out.substr(0, 26), "+ SecurityGroups sg-extra\n");
  const Outcome apply = Run({"apply", folder_ + "/base," + more});
  EXPECT_EQ(apply.exit_code, kExitYes);
  EXPECT_EQ(apply.out.substr(0, 54), "generation 2 runs: 1 change\n+ SecurityGroups sg-extra\n");
  EXPECT_EQ(apply.err, "");
  const Outcome json = Run({"apply", base, "-j"});
  EXPECT_EQ(Json::parse(json.out)["Generation"], 3);
  const Outcome back = Run({"rollback", "2"});
  EXPECT_EQ(back.exit_code, kExitYes);
  EXPECT_EQ(back.out.substr(0, 18), "generation 4 runs:");
  const Outcome gone = Run({"rollback", "99"});
  EXPECT_EQ(gone.exit_code, kExitNo);
  EXPECT_NE(gone.err.find("sluice: generation 99 is not kept"), std::string::npos);
}

TEST_F(LiveVerbsTest, ARefusedApplyPrintsTheErrorsAndTheOldGenerationGoesOn) {
  ServeDaemon();
  const std::string path = Write("bad.json", testing::SampleWithHost() + testing::kNoSuchVpc);
  const Outcome outcome = Run({"apply", path});
  EXPECT_EQ(outcome.exit_code, kExitNo);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err.find("error: " + path +
                             "#3:$.Subnets[0].VpcId: subnet-x: there is no VPC "
                             "vpc-x"),
            0u)
      << outcome.err;
  EXPECT_NE(outcome.err.find(" (InvalidVpcID.NotFound)\n"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("generation 1 goes on\n"), std::string::npos) << outcome.err;
  const Outcome json = Run({"apply", path, "-j"});
  EXPECT_EQ(json.exit_code, kExitNo);
  EXPECT_EQ(Json::parse(json.out)["Issues"][0]["ObjectId"], "subnet-x");
  EXPECT_EQ(daemon_.applier().generation(), 1u);
}

TEST_F(LiveVerbsTest, PathsAreMadeAbsoluteBeforeTheyAreSent) {
  ServeDaemon();
  Write("config/a.json", testing::SampleWithHost());
  const std::filesystem::path former = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const Outcome outcome = Run({"apply", "./config/../config"});
  std::filesystem::current_path(former);
  EXPECT_EQ(outcome.exit_code, kExitYes) << outcome.err;
  EXPECT_EQ(requests_.at(0)["Paths"], (Json{folder_ + "/config"}));
}

TEST_F(LiveVerbsTest, WhatTheDaemonCannotReadIsSentAsText) {
  // This daemon sees another file system.
  Serve([this](const Json& request) {
    return request.contains("Paths")
               ? R"({"Ok":false,"ExitCode":1,"Error":"sluiced cannot read it",)"
                 R"("Unreadable":true})"
               : AnswerOperator(daemon_.view(), request.dump());
  });
  Write("c/a.json", std::string(testing::kSampleConfig));
  Write("c/b.json", testing::kSampleHost);
  const Outcome outcome = Run({"apply", folder_ + "/c"});
  EXPECT_EQ(outcome.exit_code, kExitYes) << outcome.err;
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_FALSE(requests_[1].contains("Paths"));
  EXPECT_EQ(requests_[1]["Texts"][1]["Name"], folder_ + "/c/b.json");
  EXPECT_EQ(requests_[1]["Texts"][1]["Text"], testing::kSampleHost);
  const Outcome gone = Run({"apply", folder_ + "/gone"});
  EXPECT_EQ(gone.exit_code, kExitNo);
  EXPECT_EQ(gone.err.find("sluice: " + folder_ + "/gone: no such file or folder"), 0u) << gone.err;
}

TEST_F(LiveVerbsTest, APipeIsReadHereAndSent) {
  ServeDaemon();
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([pipe] { std::ofstream(pipe) << testing::SampleWithHost(); });
  const Outcome outcome = Run({"diff", pipe});
  writer.join();
  EXPECT_EQ(outcome.exit_code, kExitYes) << outcome.err;
  EXPECT_EQ(requests_.at(0)["Texts"][0]["Name"], pipe);
  EXPECT_EQ(AnswerOperator(daemon_.view(), Json{{"Verb", "diff"}, {"Paths", {pipe}}}.dump())
                .find("{\"Ok\":false"),
            0u)
      << "the daemon never waits for one";
}

TEST_F(LiveVerbsTest, ExportCanBeAppliedAndChangesNothing) {
  ServeDaemon();
  const Outcome exported = Run({"export"});
  EXPECT_EQ(exported.exit_code, kExitYes);
  const Outcome applied = Run({"apply", Write("exported.json", exported.out)});
  EXPECT_EQ(applied.out.substr(0, 29), "generation 2 runs: 0 changes\n");
}

TEST_F(LiveVerbsTest, ShowSendsItsFiltersAndPrintsTextOrJson) {
  ServeDaemon();
  daemon_.AddSession({});
  const Outcome text = Run({"show", "sessions", "--eni=eni-web", "--proto=tcp", "--src=10.0.0.0/8",
                            "--dst=10.0.1.10", "--port=8080", "--vpc=vpc-a", "--limit=5"});
  EXPECT_EQ(text.exit_code, kExitYes) << text.err;
  EXPECT_NE(text.out.find("eni-web  eni-app    tcp  10.0.0.10:40000  10.0.1.10:8080"),
            std::string::npos)
      << text.out;
  EXPECT_EQ(requests_.at(0), (Json{{"Verb", "show"},
                                   {"What", "sessions"},
                                   {"Eni", "eni-web"},
                                   {"Vpc", "vpc-a"},
                                   {"Proto", "tcp"},
                                   {"Src", "10.0.0.0/8"},
                                   {"Dst", "10.0.1.10"},
                                   {"Port", "8080"},
                                   {"Limit", 5},
                                   {"As", "text"}}));
  const Outcome drops = Run({"show", "drops", "-j"});
  EXPECT_EQ(drops.exit_code, kExitYes);
  const Json json = Json::parse(drops.out);
  EXPECT_EQ(json["total"]["received"], 0);
  EXPECT_EQ(json["total"]["dropped_by"].size(), kDropReasonCount);
  const Outcome routes = Run({"show", "routes", "rtb-b"});
  EXPECT_NE(routes.out.find("\n2 of 2 routes\n"), std::string::npos) << routes.out;
  for (const char* what : {"interfaces", "stages", "ports", "generations", "nat"}) {
    EXPECT_EQ(Run({"show", what}).exit_code, kExitYes) << what;
    EXPECT_TRUE(Json::parse(Run({"show", what, "-j"}).out).is_object()) << what;
  }
}

TEST_F(LiveVerbsTest, ExplainAsksTheDaemonUnlessAConfigurationIsGiven) {
  ServeDaemon();
  const std::vector<std::string> question = {"explain", "--from=eni-web", "--to=10.0.1.10",
                                             "--dport=8080"};
  const Outcome yes = Run(question);
  EXPECT_EQ(yes.exit_code, kExitYes) << yes.err;
  EXPECT_NE(yes.out.find("forward"), std::string::npos);
  std::vector<std::string> no = question;
  no.back() = "--dport=22";
  no.push_back("-j");
  const Outcome dropped = Run(no);
  EXPECT_EQ(dropped.exit_code, kExitNo);
  EXPECT_EQ(Json::parse(dropped.out)["DropReason"], "nacl_ingress");
  EXPECT_EQ(requests_.size(), 2u);
  std::vector<std::string> offline = question;
  offline.push_back("--config=" + Write("offline.json", testing::SampleWithHost()));
  EXPECT_EQ(Run(offline).out, yes.out) << "the same answer from the same configuration";
  EXPECT_EQ(requests_.size(), 2u) << "asked of nobody";
}

TEST_F(LiveVerbsTest, TopPrintsAsManyScreensAsAsked) {
  ServeDaemon();
  const Outcome text = Run({"top", "--count=2", "--period=0.001"});
  EXPECT_EQ(text.exit_code, kExitYes) << text.err;
  EXPECT_EQ(requests_.size(), 3u);
  EXPECT_NE(text.out.find("generation 1   sessions 0 of 256   NAT ports in use 0\n"),
            std::string::npos)
      << text.out;
  const Outcome json = Run({"top", "--count=1", "--period=0.001", "-j"});
  EXPECT_EQ(Json::parse(json.out)["ports"][0]["port"], "web");
}

TEST_F(LiveVerbsTest, AnAnswerThatIsNoneIsSaidToBeNone) {
  Serve([](const Json&) { return "hello"; });
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"show", "drops"}, {"top"}, {"export"}}) {
    const Outcome outcome = Run(line);
    EXPECT_EQ(outcome.exit_code, kExitNo);
    EXPECT_NE(outcome.err.find("what listens at " + socket_ + " is no sluiced"), std::string::npos);
  }
  server_.reset();
  Serve([](const Json&) { return R"({"Ok":true,"Result":[1]})"; });
  EXPECT_EQ(Run({"show", "drops"}).exit_code, kExitYes) << "odd, but no crash";
  EXPECT_EQ(Run({"top", "--count=1", "--period=0.001"}).exit_code, kExitYes);
}

TEST(TopScreenTest, RatesAreDifferencesOverTime) {
  const Json before = Json::parse(R"({"time_ns": 1000000000, "generation": 4,
    "ports": [{"port": "web", "received": 1000, "received_bytes": 64000, "sent": 0,
               "sent_bytes": 0, "dropped": 10}],
    "total": {"dropped_by": {"sg_ingress": 10, "no_route": 0}, "consumed_by": {"arp_reply": 1}},
    "workers": [{"worker": 0, "busy_ticks": 100, "total_ticks": 1000}],
    "sessions": {"counted": 3, "cache_only": 0, "capacity": 100}, "nat_ports_in_use": 2})");
  Json after = before;
  after["time_ns"] = 3'000'000'000;
  after["ports"][0]["received"] = 4'001'000;
  after["ports"][0]["received_bytes"] = 256'064'000;
  after["ports"][0]["dropped"] = 30;
  after["total"]["dropped_by"]["sg_ingress"] = 30;
  after["workers"][0] = {{"worker", 0}, {"busy_ticks", 600}, {"total_ticks", 3000}};
  const Json rates = TopRates(before, after);
  EXPECT_EQ(rates["seconds"], 2.0);
  EXPECT_EQ(rates["ports"][0]["rx_mpps"], 2.0);
  EXPECT_EQ(rates["total"]["rx_gbps"], 1.024);
  EXPECT_EQ(rates["workers"][0]["busy_percent"], 25.0);
  ASSERT_EQ(rates["drops"].size(), 2u) << "reasons that never occurred are left out";
  EXPECT_EQ(rates["drops"][0],
            (Json{{"reason", "sg_ingress"}, {"verdict", "drop"}, {"pps", 10.0}, {"count", 30}}));
  EXPECT_EQ(TopText(rates),
            "generation 4   sessions 3 of 100   NAT ports in use 2\n"
            "\n"
            "PORT   RX-MPPS  TX-MPPS  RX-GBPS  TX-GBPS  DROPS/S\n"
            "web      2.000    0.000    1.024    0.000       10\n"
            "total    2.000    0.000    1.024    0.000       10\n"
            "\n"
            "WORKER  BUSY-%\n"
            "     0    25.0\n"
            "\n"
            "REASON      VERDICT  PKTS/S  PKTS\n"
            "sg_ingress  drop         10    30\n"
            "arp_reply   consume       0     1\n");
  EXPECT_EQ(TopRates(after, before)["ports"][0]["rx_mpps"], 0.0) << "another daemon answers";
  EXPECT_NE(TopText(TopRates(Json(), Json())), "");
}

}  // namespace
}  // namespace sluice
