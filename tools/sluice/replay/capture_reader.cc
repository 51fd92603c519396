#include "tools/sluice/replay/capture_reader.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace sluice {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kSecondsEnd = int64_t{1} << 32;  // what PORT.pcap can say: until 2106

// A copy of what `fd` gives, in a file without a name; -1 with errno when that fails.
int Spool(int fd) {
  std::FILE* file = std::tmpfile();
  const int spool = file == nullptr ? -1 : ::dup(fileno(file));
  if (file != nullptr) {
    std::fclose(file);
  }
  char chunk[1 << 16];
  ssize_t got = 1;
  while (spool >= 0 && got > 0) {
    got = ::read(fd, chunk, sizeof(chunk));
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(spool, chunk + done, static_cast<size_t>(got - done));
      if (put < 0) {
        ::close(spool);
        return -1;
      }
      done += put;
    }
  }
  if (got < 0) {
    ::close(spool);
    return -1;
  }
  return spool;
}

}  // namespace

void CaptureReader::ClosePcap::operator()(struct pcap* pcap) const {
  pcap_close(pcap);
}

CaptureReader::~CaptureReader() {
  pcap_.reset();
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

absl::Status CaptureReader::Wrong(const std::string& what) const {
  return absl::InvalidArgumentError(path_ + ": " + what);
}

absl::StatusOr<std::unique_ptr<CaptureReader>> CaptureReader::Open(const std::string& path) {
  std::unique_ptr<CaptureReader> reader(new CaptureReader(path));
  reader->fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about = {};
  if (reader->fd_ < 0 || ::fstat(reader->fd_, &about) != 0) {
    return reader->Wrong(std::string("cannot be read: ") + std::strerror(errno));
  }
  if (S_ISDIR(about.st_mode)) {
    return reader->Wrong("is a folder; name a capture file");
  }
  if (!S_ISREG(about.st_mode)) {
    const int spool = Spool(reader->fd_);
    if (spool < 0) {
      return reader->Wrong(std::string("cannot be copied to a temporary file: ") +
                           std::strerror(errno));
    }
    ::close(reader->fd_);
    reader->fd_ = spool;
  }
  if (absl::Status status = reader->StartOver(); !status.ok()) {
    return status;
  }
  return reader;
}

absl::Status CaptureReader::StartOver() {
  pcap_.reset();
  frame_count_ = 0;
  const int fd = ::dup(fd_);
  std::FILE* file = fd < 0 ? nullptr : ::fdopen(fd, "rb");
  if (file == nullptr || std::fseek(file, 0, SEEK_SET) != 0) {
    return Wrong(std::string("cannot be read: ") + std::strerror(errno));
  }
  char why[PCAP_ERRBUF_SIZE] = {};
  pcap_.reset(pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why));
  if (pcap_ == nullptr) {
    std::fclose(file);
    return Wrong(std::string("is no capture (pcap or pcapng): ") + why);
  }
  if (const int link = pcap_datalink(pcap_.get()); link != DLT_EN10MB) {
    const char* name = pcap_datalink_val_to_name(link);
    return Wrong("its link type is " +
                 (name != nullptr ? std::string(name) : std::to_string(link)) +
                 ", not EN10MB (Ethernet); capture on an Ethernet interface");
  }
  return absl::OkStatus();
}

std::string CaptureReader::Which() const {
  return "packet " + std::to_string(frame_count_);
}

absl::StatusOr<bool> CaptureReader::Next(CapturedFrame& frame) {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  const int got = pcap_next_ex(pcap_.get(), &header, &bytes);
  if (got == PCAP_ERROR_BREAK) {
    return false;
  }
  ++frame_count_;
  if (got != 1) {
    return Wrong("cannot be read at " + Which() + ": " + pcap_geterr(pcap_.get()));
  }
  if (header->caplen < header->len) {
    return Wrong(Which() + " holds " + std::to_string(header->caplen) + " of " +
                 std::to_string(header->len) +
                 " bytes; capture whole packets (tcpdump -s 0) or cut it out");
  }
  // libpcap reads the classic format's unsigned seconds as signed.
  int64_t seconds = header->ts.tv_sec;
  seconds += seconds < 0 ? kSecondsEnd : 0;
  const int64_t nanos = header->ts.tv_usec;
  if (seconds < 0 || seconds >= kSecondsEnd || nanos < 0 || nanos >= kNanosPerSecond) {
    return Wrong(Which() + " has no time between 1970 and 2106");
  }
  frame.time_ns = seconds * kNanosPerSecond + nanos;
  frame.bytes = {bytes, header->caplen};
  return true;
}

}  // namespace sluice
