// Serves Prometheus text over HTTP on a thread of its own (--metrics_listen): GET /metrics.
//
// Bounds: kMaxMetricsClients at a time (more get 503), kMaxMetricsRequestBytes a request,
// kMetricsTimeoutMs from a client's connection to the last byte of its answer, so that a slow one
// costs a scrape and nothing else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "control/api/request_server.h"

namespace sluice {

inline constexpr int kMetricsTimeoutMs = 5'000;
inline constexpr size_t kMaxMetricsClients = 16;
inline constexpr size_t kMaxMetricsRequestBytes = 8192;

class MetricsServer {
 public:
  // The metrics as text, on the server's thread.
  using Source = std::function<std::string()>;

  // `listen` is "ADDRESS:PORT", "[ADDRESS]:PORT" or ":PORT" (every address); port 0: any free one.
  // The error names it and says what is wrong. The destructor ends the thread, whatever its clients
  // do.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& listen,
                                                              Source source,
                                                              int timeout_ms = kMetricsTimeoutMs);

  uint16_t l4_port() const { return l4_port_; }
  uint64_t accept_failures() const { return server_->accept_failures(); }

 private:
  MetricsServer(uint16_t l4_port, std::unique_ptr<RequestServer> server)
      : l4_port_(l4_port), server_(std::move(server)) {}

  const uint16_t l4_port_;
  const std::unique_ptr<RequestServer> server_;
};

// The whole answer to an HTTP request's first line, e.g. "GET /metrics HTTP/1.1".
std::string MetricsAnswer(std::string_view request_line, const MetricsServer::Source& source);

}  // namespace sluice
