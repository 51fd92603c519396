#include "control/telemetry/flow_log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

#include "dataplane/base/check.h"

namespace sluice {
namespace {

constexpr size_t kTextBufferBytes =
    256 * 1024;  // small files are compressed in one go when they are published
constexpr size_t kMaxSegmentBytes = 64;
constexpr int kGzipWindowBits =
    15 + 16;  // zlib: 16 asks for the gzip format, with no time in its header
constexpr int kCompressionLevel = 4;
constexpr int kMemoryLevel = 8;

absl::Status ErrorOf(int error, const std::string& what, const std::string& path) {
  const std::string message = what + " " + path + ": " + std::strerror(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    default:
      return absl::InternalError(message);
  }
}

struct UtcTime {
  explicit UtcTime(int64_t seconds) {
    const std::time_t time = static_cast<std::time_t>(seconds);
    gmtime_r(&time, &parts);
  }
  std::string Text(const char* pattern) const {
    char text[64];
    return std::string(text, std::strftime(text, sizeof text, pattern, &parts));
  }
  std::tm parts{};
};

absl::Status MakeDirectories(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST && errno != EISDIR) {
      const int error = errno;
      struct stat existing;
      if (stat(parent.c_str(), &existing) != 0) {  // a parent may exist on a read-only file system
        return ErrorOf(error, "cannot make folder", parent);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string PathSegment(std::string_view word) {
  std::string segment;
  for (const char c : word.substr(0, kMaxSegmentBytes)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || (c == '.' && !segment.empty());
    segment.push_back(plain ? c : '_');
  }
  return segment.empty() ? "unknown" : segment;
}

std::string FlowLogDirectory(const FlowLogStream& stream, int64_t slot_seconds) {
  const UtcTime time(slot_seconds);
  const std::string account = PathSegment(stream.account_id);
  const std::string region = PathSegment(stream.region);
  if (stream.hive_partitions) {
    return "AWSLogs/aws-account-id=" + account + "/aws-service=vpcflowlogs/aws-region=" + region +
           time.Text(stream.per_hour_partition ? "/year=%Y/month=%m/day=%d/hour=%H/"
                                               : "/year=%Y/month=%m/day=%d/");
  }
  return "AWSLogs/" + account + "/vpcflowlogs/" + region +
         time.Text(stream.per_hour_partition ? "/%Y/%m/%d/%H/" : "/%Y/%m/%d/");
}

std::string FlowLogFileName(const FlowLogStream& stream, int64_t slot_seconds, uint32_t hash) {
  char hex[16];
  std::snprintf(hex, sizeof hex, "%08x", hash);
  return PathSegment(stream.account_id) + "_vpcflowlogs_" + PathSegment(stream.region) + "_" +
         PathSegment(stream.flow_log_id) + "_" + UtcTime(slot_seconds).Text("%Y%m%dT%H%MZ") + "_" +
         hex + ".log.gz";
}

// One file on its way: text in memory until there is much of it, then a gzip stream into a hidden
// file.
class FlowLogFiles::File {
 public:
  File(FlowLogStream stream, int64_t slot_seconds, uint32_t part, std::string_view header)
      : stream_(std::move(stream)), slot_seconds_(slot_seconds) {
    directory_ = stream_.folder + "/" + FlowLogDirectory(stream_, slot_seconds_);
    const std::string identity = stream_.account_id + '\n' + stream_.region + '\n' +
                                 stream_.flow_log_id + '\n' + std::to_string(slot_seconds) + '\n' +
                                 std::to_string(part) + '\n';
    AddToHash(identity);
    char tag[16];
    std::snprintf(tag, sizeof tag, "%08x", hash_);
    temporary_path_ = directory_ + "." + FlowLogFileName(stream_, slot_seconds_, 0) + "." + tag;
    text_.append(header).push_back('\n');
  }
  ~File() {
    if (deflating_) {
      deflateEnd(&gzip_);
    }
    if (fd_ >= 0) {
      close(fd_);
      unlink(temporary_path_.c_str());
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  absl::Status Append(std::string_view lines) {
    text_.append(lines);
    line_count_ += static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    return text_.size() < kTextBufferBytes ? absl::OkStatus() : Compress(Z_NO_FLUSH);
  }

  // Completes the file and gives it its name.
  absl::Status Publish(bool sync) {
    if (absl::Status status = Compress(Z_FINISH); !status.ok()) {
      return status;
    }
    const std::string path = directory_ + FlowLogFileName(stream_, slot_seconds_, hash_);
    if (sync && fsync(fd_) != 0) {
      return ErrorOf(errno, "cannot sync", temporary_path_);
    }
    // Some file systems tell that the disk is full only here; the descriptor is gone in any case.
    if (close(std::exchange(fd_, -1)) != 0 || rename(temporary_path_.c_str(), path.c_str()) != 0) {
      const int error = errno;
      unlink(temporary_path_.c_str());
      return ErrorOf(error, "cannot complete", path);
    }
    return absl::OkStatus();
  }

  uint64_t written_bytes() const { return written_bytes_; }
  uint64_t line_count() const { return line_count_; }

 private:
  void AddToHash(std::string_view text) {
    hash_ = static_cast<uint32_t>(
        crc32_z(hash_, reinterpret_cast<const Bytef*>(text.data()), text.size()));
  }

  absl::Status Open() {
    if (absl::Status status = MakeDirectories(directory_); !status.ok()) {
      return status;
    }
    unlink(temporary_path_.c_str());  // of a run that was cut short
    fd_ = open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd_ < 0) {
      return ErrorOf(errno, "cannot write", temporary_path_);
    }
    gzip_ = z_stream{};
    deflating_ = deflateInit2(&gzip_, kCompressionLevel, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                              Z_DEFAULT_STRATEGY) == Z_OK;
    return deflating_ ? absl::OkStatus() : absl::ResourceExhaustedError("no memory for gzip");
  }

  // Moves the text into the file; Z_FINISH also writes gzip's end.
  absl::Status Compress(int flush) {
    if (fd_ < 0) {
      if (absl::Status status = Open(); !status.ok()) {
        return status;
      }
    }
    AddToHash(text_);
    gzip_.next_in = reinterpret_cast<Bytef*>(text_.data());
    gzip_.avail_in = static_cast<uInt>(text_.size());
    Bytef chunk[16 * 1024];
    do {
      gzip_.next_out = chunk;
      gzip_.avail_out = sizeof chunk;
      SLUICE_CHECK(deflate(&gzip_, flush) != Z_STREAM_ERROR);
      if (absl::Status status = Write(chunk, sizeof chunk - gzip_.avail_out); !status.ok()) {
        return status;
      }
    } while (gzip_.avail_out == 0);
    text_.clear();
    return absl::OkStatus();
  }

  absl::Status Write(const Bytef* bytes, size_t count) {
    while (count > 0) {
      const ssize_t written = write(fd_, bytes, count);
      if (written < 0 && errno == EINTR) {
        continue;
      }
      if (written < 0) {
        return ErrorOf(errno, "cannot write", temporary_path_);
      }
      bytes += written;
      count -= static_cast<size_t>(written);
      written_bytes_ += static_cast<uint64_t>(written);
    }
    return absl::OkStatus();
  }

  const FlowLogStream stream_;
  const int64_t slot_seconds_;
  std::string directory_;
  std::string temporary_path_;
  std::string text_;
  uint32_t hash_ = 0;
  uint64_t line_count_ = 0;
  uint64_t written_bytes_ = 0;
  int fd_ = -1;
  bool deflating_ = false;
  z_stream gzip_{};
};

FlowLogFiles::FlowLogFiles(Options options) : options_(options) {}
FlowLogFiles::~FlowLogFiles() = default;

absl::Status FlowLogFiles::Append(const FlowLogStream& stream, std::string_view header,
                                  int64_t window_start_seconds, int64_t interval_seconds,
                                  std::string_view lines) {
  if (lines.empty()) {
    return absl::OkStatus();
  }
  if (stream.folder.empty()) {
    lossy_log_ids_.insert(stream.flow_log_id);
    lost_line_count_ += static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    return absl::NotFoundError("flow log " + stream.flow_log_id +
                               " has no folder: set Host.FlowLogFolder");
  }
  const int64_t start = window_start_seconds - window_start_seconds % kFlowLogSlotSeconds;
  Slot& slot = open_[{stream, start}];
  slot.complete_at_seconds = start + std::max(kFlowLogSlotSeconds, interval_seconds);
  if (slot.file == nullptr) {
    slot.file = std::make_unique<File>(stream, start, slot.part, header);
  }
  if (absl::Status status = slot.file->Append(lines); !status.ok()) {
    return Lose(stream, slot, std::move(status));
  }
  // The last block and what gzip still holds add at most this much.
  constexpr uint64_t kMarginBytes = 4 * kTextBufferBytes;
  if (slot.file->written_bytes() + kMarginBytes >= options_.max_file_bytes) {
    return Publish(stream, slot);
  }
  return absl::OkStatus();
}

absl::Status FlowLogFiles::Lose(const FlowLogStream& stream, Slot& slot, absl::Status why) {
  lossy_log_ids_.insert(stream.flow_log_id);
  lost_line_count_ += slot.file->line_count();
  slot.file.reset();
  ++slot.part;
  return why;
}

absl::Status FlowLogFiles::Publish(const FlowLogStream& stream, Slot& slot) {
  if (absl::Status status = slot.file->Publish(options_.sync); !status.ok()) {
    return Lose(stream, slot, std::move(status));
  }
  ++published_file_count_;
  slot.file.reset();
  ++slot.part;
  return absl::OkStatus();
}

absl::Status FlowLogFiles::CloseThrough(int64_t through_seconds) {
  absl::Status result;
  for (auto it = open_.begin(); it != open_.end();) {
    Slot& slot = it->second;
    if (slot.complete_at_seconds > through_seconds) {
      ++it;
      continue;
    }
    if (slot.file != nullptr) {
      result.Update(Publish(it->first.first, slot));
    }
    it = open_.erase(it);
  }
  return result;
}

absl::Status FlowLogFiles::CloseAll() {
  return CloseThrough(INT64_MAX);
}

}  // namespace sluice
