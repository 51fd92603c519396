// Flow-log lines as AWS's tree of gzip files (interface.md §7). Control thread or an offline tool,
// one thread.
//
//   FOLDER/AWSLogs/<account>/vpcflowlogs/<region>/<yyyy>/<mm>/<dd>/[<hh>/]
//     <account>_vpcflowlogs_<region>_<flow-log-id>_<yyyymmddThhmmZ>_<hash>.log.gz
//   FOLDER/AWSLogs/aws-account-id=<account>/aws-service=vpcflowlogs/aws-region=<region>/year=<yyyy>/month=<mm>/
//     day=<dd>/[hour=<hh>/]<the same name>
//
// One file holds the windows of one log, account and region that start in one five-minute slot of
// the epoch; the name's time is the slot's start in UTC. The hash is a CRC-32 of identity and
// content, so the same lines give the same name and the same bytes. A file is written under a
// hidden name beside its own and renamed when complete: a reader never sees a part of one, and
// after an error nothing of it remains.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace sluice {

inline constexpr int64_t kFlowLogSlotSeconds = 300;

// What distinguishes files of one slot, and where they go.
struct FlowLogStream {
  std::string folder;  // root of the tree
  std::string account_id;
  std::string region;
  std::string flow_log_id;
  bool hive_partitions = false;
  bool per_hour_partition = false;

  friend auto operator<=>(const FlowLogStream&, const FlowLogStream&) = default;
};

// One path segment from a word of the configuration: letters, digits, '.', '_' and '-' stay,
// anything else becomes
// '_'; never empty ("unknown"), never starting with '.', at most 64 bytes.
std::string PathSegment(std::string_view word);

// "2026-11-24 17:05" -> its directory below the folder (with the final slash), and a file's name.
std::string FlowLogDirectory(const FlowLogStream& stream, int64_t slot_seconds);
std::string FlowLogFileName(const FlowLogStream& stream, int64_t slot_seconds, uint32_t hash);

class FlowLogFiles {
 public:
  struct Options {
    uint64_t max_file_bytes =
        75'000'000;     // compressed; a full file is published and the next begun
    bool sync = false;  // fsync before the rename: survive a power cut
  };
  explicit FlowLogFiles(Options options);
  ~FlowLogFiles();  // unpublished files are discarded; call CloseAll first
  FlowLogFiles(const FlowLogFiles&) = delete;
  FlowLogFiles& operator=(const FlowLogFiles&) = delete;

  // Adds whole lines of a window that starts at `window_start_seconds` and lasts
  // `interval_seconds`. `header` is the first line of every file, without newline. On an error
  // (ResourceExhausted: disk, quota or size limit full; PermissionDenied; NotFound; Internal) the
  // file they would have stood in is lost as a whole.
  absl::Status Append(const FlowLogStream& stream, std::string_view header,
                      int64_t window_start_seconds, int64_t interval_seconds,
                      std::string_view lines);

  // Publishes every file whose slot and windows ended at or before `through_seconds`. All are
  // tried; the first error is returned.
  absl::Status CloseThrough(int64_t through_seconds);
  absl::Status CloseAll();

  uint64_t published_file_count() const { return published_file_count_; }
  uint64_t lost_line_count() const { return lost_line_count_; }
  // Ids of the logs that lost lines since the last call, sorted.
  std::set<std::string> TakeLossyLogIds() { return std::exchange(lossy_log_ids_, {}); }

 private:
  class File;
  struct Slot {
    std::unique_ptr<File> file;
    uint32_t part = 0;
    int64_t complete_at_seconds = 0;
  };
  absl::Status Publish(const FlowLogStream& stream, Slot& slot);
  absl::Status Lose(const FlowLogStream& stream, Slot& slot, absl::Status why);

  const Options options_;
  std::map<std::pair<FlowLogStream, int64_t>, Slot> open_;  // by stream and slot start
  uint64_t published_file_count_ = 0;
  uint64_t lost_line_count_ = 0;
  std::set<std::string> lossy_log_ids_;
};

}  // namespace sluice
