#include "tools/sluice/command_line.h"

#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include "tools/sluice/flags.h"
#include "tools/sluice/verbs.h"

namespace sluice {
namespace {

Arguments last_arguments;
int Remember(const Arguments& arguments) {
  last_arguments = arguments;
  return 7;
}

class CommandLineTest : public ::testing::Test {
 protected:
  int Run(const std::vector<std::string>& words) { return RunCommandLine(verbs_, words); }

  const gflags::FlagSaver saver_;
  const std::vector<Verb> verbs_ = {
      {"go", "", "Goes.", "", {"config", "seed", "j", "idle_after"}, Remember}};
};

TEST_F(CommandLineTest, FlagsTakeTheirValueEitherWayAndWordsStayInOrder) {
  EXPECT_EQ(
      Run({"go", "a", "--config=x", "-j", "--config", "y", "b", "--idle-after=3", "--", "-z"}), 7);
  EXPECT_EQ(last_arguments.words, (std::vector<std::string>{"a", "b", "-z"}));
  EXPECT_EQ(last_arguments.All("config"), (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(FLAGS_j);
  EXPECT_EQ(FLAGS_idle_after, "3");
  EXPECT_EQ(Run({"go", "--noj"}), 7);
  EXPECT_FALSE(FLAGS_j);
  EXPECT_EQ(Run({"go", "--j=on"}), 7);
  EXPECT_TRUE(FLAGS_j);
  EXPECT_EQ(Run({"go", "--j=off"}), 7);
  EXPECT_FALSE(FLAGS_j);
  EXPECT_EQ(Run({"go", "--j=maybe"}), kExitUsage);
}

TEST_F(CommandLineTest, MistakesAreUsage) {
  EXPECT_EQ(Run({}), kExitUsage);
  EXPECT_EQ(Run({"fly"}), kExitUsage);
  EXPECT_EQ(Run({"--config=x", "go"}), kExitUsage);
  EXPECT_EQ(Run({"go", "--unknown"}), kExitUsage);
  EXPECT_EQ(Run({"go", "--from=eni-a"}), kExitUsage) << "a flag of another verb";
  EXPECT_EQ(Run({"go", "--seed=abc"}), kExitUsage);
  EXPECT_EQ(Run({"go", "--seed"}), kExitUsage);
}

TEST_F(CommandLineTest, TheVersionIsOneLine) {
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(Run({"--version"}), kExitYes);
  const std::string text = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(text.rfind("sluice ", 0), 0u) << text;
  EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
}

TEST_F(CommandLineTest, EnvironmentStandsInForAFlagThatIsNotGiven) {
  setenv("SLUICE_SEED", "9", 1);
  EXPECT_EQ(Run({"go"}), 7);
  EXPECT_EQ(FLAGS_seed, 9u);
  EXPECT_EQ(Run({"go", "--seed=4"}), 7);
  EXPECT_EQ(FLAGS_seed, 4u);
  setenv("SLUICE_SEED", "abc", 1);
  EXPECT_EQ(Run({"go"}), kExitUsage);
  unsetenv("SLUICE_SEED");
}

TEST_F(CommandLineTest, AProgramSpeaksUnderItsOwnName) {
  NameProgram("sluice-bench", "Measures.");
  const std::string help = HelpOf(verbs_);
  testing::internal::CaptureStderr();
  UsageError("no");
  const std::string error = testing::internal::GetCapturedStderr();
  NameProgram("sluice", "The client.");
  EXPECT_EQ(help.find("usage: sluice-bench VERB"), 0u);
  EXPECT_NE(help.find("Measures."), std::string::npos);
  EXPECT_EQ(error, "sluice-bench: no\nTry `sluice-bench --help`.\n");
}

TEST_F(CommandLineTest, HelpNamesEveryVerbAndEveryFlag) {
  const std::vector<Verb> verbs = AllVerbs();
  const std::string all = HelpOf(verbs);
  for (const Verb& verb : verbs) {
    EXPECT_NE(all.find("  " + std::string(verb.name) + " "), std::string::npos) << verb.name;
    EXPECT_NE(HelpOf(verb).find(verb.summary), std::string::npos) << verb.name;
  }
  EXPECT_EQ(Run({"go", "--help"}), kExitYes);
  EXPECT_EQ(Run({"--help"}), kExitYes);
  EXPECT_EQ(Run({"help", "go"}), kExitYes);
}

TEST(AllVerbsTest, FlagsAreSpelledAsInTheContract) {
  std::string help;
  for (const Verb& verb : AllVerbs()) {
    help += HelpOf(verb);
  }
  for (const char* flag :
       {"  --idle-after=…\n", "  --enforce_quotas\n", "  --session_cache\n", "  -j\n"}) {
    EXPECT_NE(help.find(flag), std::string::npos) << flag;
  }
  for (const char* never : {"idle_after", "enforce-quotas", "session-cache"}) {
    EXPECT_EQ(help.find(never), std::string::npos) << never;
  }
}

}  // namespace
}  // namespace sluice
