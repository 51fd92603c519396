// Captures in and out: CaptureReader, CaptureMerge, CaptureWriter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "tools/sluice/replay/capture_merge.h"
#include "tools/sluice/replay/capture_writer.h"

namespace sluice {
namespace {

using Bytes = std::vector<uint8_t>;
using Frames = std::vector<std::pair<int64_t, Bytes>>;

constexpr int64_t kT = 1'700'000'000'000'000'123;

class CaptureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("capture_test." + std::to_string(getpid()) + "." +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }
  std::string Write(const std::string& name, const Frames& frames) {
    CaptureWriter writer(Path(name));
    for (const auto& [time_ns, bytes] : frames) {
      writer.Add(time_ns, bytes);
    }
    EXPECT_TRUE(writer.Finish().ok());
    return Path(name);
  }
  std::string WriteRaw(const std::string& name, const Bytes& bytes) {
    std::ofstream(Path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return Path(name);
  }
  Bytes ReadRaw(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
  }
  std::filesystem::path folder_;
};

// Bytes of a file with one empty frame, written out by hand.
Bytes OneFrame(bool nanoseconds, uint8_t link, uint8_t captured, uint8_t length) {
  Bytes bytes = {static_cast<uint8_t>(nanoseconds ? 0x4d : 0xd4),
                 static_cast<uint8_t>(nanoseconds ? 0x3c : 0xc3),
                 0xb2,
                 0xa1,
                 2,
                 0,
                 4,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0,
                 4,
                 0,
                 link,
                 0,
                 0,
                 0};
  const Bytes record = {5, 0, 0, 0, 7, 0, 0, 0, captured, 0, 0, 0, length, 0, 0, 0};
  bytes.insert(bytes.end(), record.begin(), record.end());
  bytes.resize(bytes.size() + captured);
  return bytes;
}

absl::StatusOr<Frames> ReadAll(CaptureReader& reader) {
  Frames frames;
  CapturedFrame frame;
  for (;;) {
    const absl::StatusOr<bool> more = reader.Next(frame);
    if (!more.ok()) {
      return more.status();
    }
    if (!*more) {
      return frames;
    }
    frames.push_back({frame.time_ns, Bytes(frame.bytes.begin(), frame.bytes.end())});
  }
}

absl::StatusOr<Frames> ReadAll(const std::string& path) {
  absl::StatusOr<std::unique_ptr<CaptureReader>> reader = CaptureReader::Open(path);
  return reader.ok() ? ReadAll(**reader) : absl::StatusOr<Frames>(reader.status());
}

TEST_F(CaptureTest, WhatIsWrittenIsReadAgainAndTwice) {
  const Frames frames = {{kT, {1, 2, 3}}, {kT + 1, Bytes(70'000, 7)}, {kT + 2, {}}};
  auto reader = CaptureReader::Open(Write("a.pcap", frames)).value();
  EXPECT_EQ(ReadAll(*reader).value(), frames);
  ASSERT_TRUE(reader->StartOver().ok());
  EXPECT_EQ(ReadAll(*reader).value(), frames);
}

TEST_F(CaptureTest, TheWrittenBytesAreThoseOfANanosecondPcap) {
  const std::string path = Write("a.pcap", {{5'000'000'007, {0xaa, 0xbb}}});
  EXPECT_EQ(ReadRaw(path), (Bytes{0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0,    0,
                                  0,    0,    0,    0,    4, 0, 1, 0, 0, 0, 5, 0, 0,    0,
                                  7,    0,    0,    0,    2, 0, 0, 0, 2, 0, 0, 0, 0xaa, 0xbb}));
  EXPECT_EQ(ReadRaw(Write("empty.pcap", {})).size(), 24u);
}

TEST_F(CaptureTest, MicrosecondsAndNanosecondsAreToldApart) {
  EXPECT_EQ(ReadAll(WriteRaw("us", OneFrame(false, 1, 0, 0))).value(),
            (Frames{{5'000'007'000, {}}}));
  EXPECT_EQ(ReadAll(WriteRaw("ns", OneFrame(true, 1, 0, 0))).value(),
            (Frames{{5'000'000'007, {}}}));
}

TEST_F(CaptureTest, SecondsBeyond2038AreUnsigned) {
  Bytes bytes = OneFrame(true, 1, 0, 0);
  bytes[27] = 0xf0;
  EXPECT_EQ(ReadAll(WriteRaw("late", bytes)).value()[0].first,
            (int64_t{0xf0000005}) * 1'000'000'000 + 7);
}

TEST_F(CaptureTest, EachComplaintNamesTheFileAndWhatIsWrong) {
  const auto complaint = [](const absl::StatusOr<Frames>& read) {
    return std::string(read.status().message());
  };
  EXPECT_THAT(complaint(ReadAll(Path("none"))),
              ::testing::HasSubstr("none: cannot be read: No such"));
  EXPECT_THAT(complaint(ReadAll(folder_)), ::testing::HasSubstr("is a folder"));
  EXPECT_THAT(complaint(ReadAll(WriteRaw("text", Bytes(100, 'x')))),
              ::testing::HasSubstr("is no capture"));
  EXPECT_THAT(complaint(ReadAll(WriteRaw("void", {}))), ::testing::HasSubstr("is no capture"));
  EXPECT_THAT(complaint(ReadAll(WriteRaw("raw", OneFrame(true, 101, 0, 0)))),
              ::testing::HasSubstr("link type is RAW, not EN10MB"));
  EXPECT_THAT(complaint(ReadAll(WriteRaw("snapped", OneFrame(true, 1, 4, 9)))),
              ::testing::HasSubstr("packet 1 holds 4 of 9 bytes"));
  for (const size_t missing : {1, 10, 15}) {
    Bytes bytes = OneFrame(true, 1, 4, 4);
    bytes.resize(bytes.size() - missing);
    EXPECT_THAT(complaint(ReadAll(WriteRaw("cut", bytes))),
                ::testing::HasSubstr("cannot be read at packet 1: truncated"));
  }
}

struct Merged {
  size_t source;
  int64_t time_ns;
  Bytes bytes;
  friend bool operator==(const Merged&, const Merged&) = default;
};

std::vector<Merged> MergeAll(const std::vector<std::string>& paths) {
  std::vector<std::unique_ptr<CaptureReader>> readers;
  for (const std::string& path : paths) {
    readers.push_back(CaptureReader::Open(path).value());
  }
  CaptureMerge merge(std::move(readers));
  size_t looked = 0;
  EXPECT_TRUE(merge.Survey([&](size_t, const CapturedFrame&) { ++looked; }).ok());
  std::vector<Merged> all;
  while (const MergedFrame* merged = merge.Next()) {
    const auto& bytes = merged->frame.bytes;
    all.push_back({merged->source, merged->frame.time_ns, Bytes(bytes.begin(), bytes.end())});
  }
  EXPECT_TRUE(merge.status().ok());
  EXPECT_EQ(all.size(), looked);
  EXPECT_EQ(merge.first_ns(), all.empty() ? std::optional<int64_t>() : all[0].time_ns);
  return all;
}

TEST_F(CaptureTest, MergesByTimeThenSourceThenPlace) {
  const std::string a = Write("a", {{10, {1}}, {20, {2}}, {20, {3}}});
  const std::string b = Write("b", {{5, {4}}, {20, {5}}, {21, {6}}});
  const std::string none = Write("none", {});
  EXPECT_EQ(
      MergeAll({a, none, b}),
      (std::vector<Merged>{
          {2, 5, {4}}, {0, 10, {1}}, {0, 20, {2}}, {0, 20, {3}}, {2, 20, {5}}, {2, 21, {6}}}));
  EXPECT_TRUE(MergeAll({none}).empty());
  EXPECT_TRUE(MergeAll({}).empty());
}

TEST_F(CaptureTest, ACaptureWhoseTimesRunBackIsPutInOrder) {
  const std::string back = Write("back", {{30, {1}}, {10, {2}}, {30, {3, 3}}, {10, {4}}, {20, {}}});
  const std::string a = Write("a", {{10, {9}}, {25, {8}}});
  EXPECT_EQ(MergeAll({a, back}), (std::vector<Merged>{{0, 10, {9}},
                                                      {1, 10, {2}},
                                                      {1, 10, {4}},
                                                      {1, 20, {}},
                                                      {0, 25, {8}},
                                                      {1, 30, {1}},
                                                      {1, 30, {3, 3}}}));
}

TEST_F(CaptureTest, ADamagedCaptureEndsTheSurvey) {
  Bytes cut = OneFrame(true, 1, 4, 4);
  cut.pop_back();
  std::vector<std::unique_ptr<CaptureReader>> readers;
  readers.push_back(CaptureReader::Open(Write("a", {{1, {1}}})).value());
  readers.push_back(CaptureReader::Open(WriteRaw("cut", cut)).value());
  CaptureMerge merge(std::move(readers));
  EXPECT_FALSE(merge.Survey([](size_t, const CapturedFrame&) {}).ok());
  EXPECT_EQ(merge.Next(), nullptr);
}

}  // namespace
}  // namespace sluice
