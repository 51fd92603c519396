// Serves Prometheus text over HTTP on a thread of its own (--metrics_listen): GET /metrics, one
// client at a time, each with kMetricsTimeoutMs for its request and as long to take the answer, so
// that a slow one costs a scrape and nothing else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"

namespace sluice {

inline constexpr int kMetricsTimeoutMs = 2'000;
inline constexpr size_t kMaxMetricsRequestBytes = 8192;

class MetricsServer {
 public:
  // The metrics as text, on the server's thread.
  using Source = std::function<std::string()>;

  // `listen` is "ADDRESS:PORT", "[ADDRESS]:PORT" or ":PORT" (every address); port 0: any free one.
  // The error names it and says what is wrong.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& listen,
                                                              Source source);
  // Ends the thread.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  uint16_t l4_port() const { return l4_port_; }

 private:
  MetricsServer(Source source, int listener, int wake);
  void Run();
  void Serve(int client);

  const Source source_;
  const int listener_;
  const int wake_;  // an eventfd that ends the thread
  uint16_t l4_port_ = 0;
  std::thread thread_;
};

// The whole answer to an HTTP request's first line, e.g. "GET /metrics HTTP/1.1".
std::string MetricsAnswer(std::string_view request_line, const MetricsServer::Source& source);

}  // namespace sluice
