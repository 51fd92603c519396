#include "control/telemetry/flow_log_files.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <vector>

#include "control/telemetry/flow_log_recorder.h"
#include "tests/control/telemetry/flow_log_world.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

class FlowLogFilesTest : public ::testing::Test {
 protected:
  FlowLogFilesTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-flow-log-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    stream_ = {folder_, "123456789010", "us-east-1", "fl-1234abcd", false, false};
  }
  ~FlowLogFilesTest() override { fs::remove_all(folder_); }

  // Every regular file below the folder, relative, sorted; temporary ones included.
  std::vector<std::string> Tree(const std::string& below = "") const {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ + below)) {
      if (entry.is_regular_file()) {
        paths.push_back(entry.path().lexically_relative(folder_ + below).string());
      }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  std::string Read(const std::string& relative) const {
    gzFile file = gzopen((folder_ + "/" + relative).c_str(), "rb");
    std::string text;
    char chunk[4096];
    for (int n = 0; (n = gzread(file, chunk, sizeof chunk)) > 0;) {
      text.append(chunk, static_cast<size_t>(n));
    }
    EXPECT_EQ(gzclose(file), Z_OK) << "a whole gzip stream";
    return text;
  }

  std::string folder_;
  FlowLogStream stream_;
};

TEST_F(FlowLogFilesTest, TreeAndNamesAreThoseOfAws) {
  // 2018-06-20 16:20 UTC, the date of the AWS guide's example.
  EXPECT_EQ(FlowLogDirectory(stream_, 1529511600),
            "AWSLogs/123456789010/vpcflowlogs/us-east-1/2018/06/20/");
  EXPECT_EQ(FlowLogFileName(stream_, 1529511600, 0xfe123456),
            "123456789010_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz");
  stream_.per_hour_partition = true;
  EXPECT_EQ(FlowLogDirectory(stream_, 1529511600),
            "AWSLogs/123456789010/vpcflowlogs/us-east-1/2018/06/20/16/");
  stream_.hive_partitions = true;
  EXPECT_EQ(FlowLogDirectory(stream_, 1529511600),
            "AWSLogs/aws-account-id=123456789010/aws-service=vpcflowlogs/aws-region=us-east-1/"
            "year=2018/month=06/day=20/hour=16/");
  stream_.per_hour_partition = false;
  EXPECT_EQ(FlowLogDirectory(stream_, 1529511600),
            "AWSLogs/aws-account-id=123456789010/aws-service=vpcflowlogs/aws-region=us-east-1/"
            "year=2018/month=06/day=20/");
}

TEST_F(FlowLogFilesTest, IdsNeverLeaveTheFolder) {
  EXPECT_EQ(PathSegment("../../etc"), "_._.._etc");
  EXPECT_EQ(PathSegment(".."), "_.");
  EXPECT_EQ(PathSegment(""), "unknown");
  EXPECT_EQ(PathSegment(std::string_view("a\0b/c", 5)), "a_b_c");
  EXPECT_EQ(PathSegment(std::string(500, 'x')).size(), 64u);
  FlowLogFiles files({});
  stream_.account_id = "../..";
  stream_.region = "/etc";
  stream_.flow_log_id = "../../../fl";
  stream_.folder = folder_ + "/root";
  ASSERT_TRUE(files.Append(stream_, "h", kEpochSeconds, 60, "x\n").ok());
  ASSERT_TRUE(files.CloseAll().ok());
  ASSERT_EQ(Tree().size(), 1u);
  EXPECT_EQ(Tree()[0].rfind("root/AWSLogs/_._../vpcflowlogs/_etc/", 0), 0u) << Tree()[0];
}

TEST_F(FlowLogFilesTest, OneFileASlotAppearsWhenComplete) {
  FlowLogFiles files({});
  for (int64_t minute = 0; minute < 6; ++minute) {
    ASSERT_TRUE(files
                    .Append(stream_, "the header", kEpochSeconds + 60 * minute, 60,
                            "line " + std::to_string(minute) + "\n")
                    .ok());
  }
  ASSERT_TRUE(files.CloseThrough(kEpochSeconds + 299).ok());
  EXPECT_TRUE(Tree().empty());
  ASSERT_TRUE(files.CloseThrough(kEpochSeconds + 300).ok());
  ASSERT_EQ(Tree().size(), 1u);
  EXPECT_EQ(Read(Tree()[0]), "the header\nline 0\nline 1\nline 2\nline 3\nline 4\n");
  ASSERT_TRUE(files.CloseAll().ok());
  ASSERT_EQ(Tree().size(), 2u);
  EXPECT_EQ(Read(Tree()[1]), "the header\nline 5\n");
  EXPECT_EQ(files.published_file_count(), 2u);
}

TEST_F(FlowLogFilesTest, SameLinesSameNamesAndBytes) {
  std::vector<std::string> bytes[2];
  for (int run = 0; run < 2; ++run) {
    stream_.folder = folder_ + "/" + std::to_string(run);
    FlowLogFiles files({});
    ASSERT_TRUE(files.Append(stream_, "h", kEpochSeconds, 600, "a\n").ok());
    ASSERT_TRUE(files.CloseAll().ok());
  }
  ASSERT_EQ(Tree("/0"), Tree("/1"));
  EXPECT_EQ(system(("diff -r " + folder_ + "/0 " + folder_ + "/1").c_str()), 0);
}

std::string RandomLines(uint32_t seed, size_t count) {
  std::mt19937 random(seed);
  std::string lines;
  for (size_t i = 0; i < count; ++i) {
    for (int word = 0; word < 8; ++word) {
      lines += std::to_string(random()) + ' ';
    }
    lines.back() = '\n';
  }
  return lines;
}

TEST_F(FlowLogFilesTest, FullFileIsPublishedAndTheNextBegun) {
  constexpr uint64_t kCap = 2'000'000;
  FlowLogFiles files({kCap, false});
  std::string all;
  for (uint32_t chunk = 0; chunk < 100; ++chunk) {
    const std::string lines = RandomLines(chunk, 700);
    all += lines;
    ASSERT_TRUE(files.Append(stream_, "h", kEpochSeconds, 600, lines).ok());
  }
  ASSERT_TRUE(files.CloseAll().ok());
  const std::vector<std::string> tree = Tree();
  EXPECT_GT(tree.size(), 2u);
  size_t line_count = 0;
  for (const std::string& path : tree) {
    EXPECT_LE(fs::file_size(folder_ + "/" + path), kCap);
    const std::string text = Read(path);
    EXPECT_EQ(text.rfind("h\n", 0), 0u);
    EXPECT_EQ(text.back(), '\n');
    line_count += static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) - 1;
  }
  EXPECT_EQ(line_count, 70000u);
}

TEST_F(FlowLogFilesTest, FolderThatCannotBeMadeIsAnError) {
  stream_.folder = "/dev/null/flow-logs";
  FlowLogFiles files({});
  ASSERT_TRUE(files.Append(stream_, "h", kEpochSeconds, 60, "x\ny\n").ok());
  EXPECT_EQ(files.CloseAll().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(files.lost_line_count(), 2u);
  EXPECT_EQ(files.TakeLossyLogIds(), std::set<std::string>{"fl-1234abcd"});
}

// The process's file size limit stands for a full disk: it works for root too.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(FlowLogFilesTest, FullDiskLeavesNothingHalfWritten) {
  FlowLogFiles files({});
  {
    const SizeLimit limit(100'000);
    absl::Status status;
    for (uint32_t chunk = 0; chunk < 10 && status.ok(); ++chunk) {
      status = files.Append(stream_, "h", kEpochSeconds, 60, RandomLines(chunk, 700));
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_TRUE(Tree().empty());
  }
  // Once there is room again the slot goes on in another file.
  ASSERT_TRUE(files.Append(stream_, "h", kEpochSeconds + 60, 60, "later\n").ok());
  ASSERT_TRUE(files.CloseAll().ok());
  ASSERT_EQ(Tree().size(), 1u);
  EXPECT_EQ(Read(Tree()[0]), "h\nlater\n");
}

TEST_F(FlowLogFilesTest, DiscardedFilesLeaveNothing) {
  {
    FlowLogFiles files({});
    ASSERT_TRUE(files.Append(stream_, "h", kEpochSeconds, 60, RandomLines(1, 6000)).ok());
    EXPECT_EQ(Tree().size(), 1u) << "a hidden one";
  }
  EXPECT_TRUE(Tree().empty());
}

TEST_F(FlowLogFilesTest, AWS_FL_12_UnwritableFileBecomesSkipData) {
  Intent intent = FlowLogWorld();
  intent.flow_logs = {MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, "${start} ${log-status}")};
  FlowLogRecorder::Options options;
  options.folder = folder_ + "/logs";
  FlowLogRecorder recorder(options);
  EXPECT_TRUE(recorder.Configure(intent, WorldIdentities(), At(0)).empty());
  fs::create_directory(folder_ + "/logs");
  fs::permissions(folder_ + "/logs", fs::perms::owner_all);
  {
    const SizeLimit limit(0);
    EXPECT_EQ(recorder.Advance(At(300)).code(), absl::StatusCode::kResourceExhausted);
  }
  ASSERT_TRUE(recorder.Finish(At(301)).ok());
  ASSERT_EQ(Tree().size(), 1u);
  EXPECT_EQ(Read(Tree()[0]),
            "start log-status\n" + std::to_string(kEpochSeconds + 300) + " SKIPDATA\n");
}

TEST_F(FlowLogFilesTest, FoldersComeFromTheHost) {
  Intent intent = FlowLogWorld();
  intent.flow_logs = {MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, ""),
                      MakeLog("fl-2", "eni-a", TrafficType::kAll, 60, "")};
  intent.flow_logs[0].destination = "arn:aws:s3:::one";
  intent.flow_logs[1].destination = "arn:aws:s3:::two";
  intent.host.emplace();
  intent.host->flow_log_folder_for["arn:aws:s3:::one"] = folder_ + "/one";
  FlowLogRecorder recorder({});
  const std::vector<std::string> problems = recorder.Configure(intent, WorldIdentities(), At(0));
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].rfind("fl-2: ", 0), 0u);
  ASSERT_TRUE(recorder.Finish(At(1)).ok());
  ASSERT_EQ(Tree().size(), 1u);
  EXPECT_EQ(Tree()[0].rfind("one/AWSLogs/111122223333/vpcflowlogs/eu-west-1/2023/11/14/", 0), 0u)
      << Tree()[0];
}

}  // namespace
}  // namespace sluice
