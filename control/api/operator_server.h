// The operator socket: JSON lines of operators, handed to one function, one at a time, on a thread
// of its own (request_server.h).
//
// Bounds: kMaxOperatorClients (more are turned away with an error), kMaxRequestBytes a request,
// kRequestTimeoutMs for a request to arrive and as long for its answer to be taken.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "control/api/protocol.h"
#include "control/api/request_server.h"

namespace sluice {

class OperatorServer {
 public:
  // Gets a line without its end, gives the answer without one. Must not throw. Called by two
  // threads.
  using Handler = std::function<std::string(std::string_view)>;

  struct Options {
    std::string path;
    int request_timeout_ms = kRequestTimeoutMs;
    size_t max_clients = kMaxOperatorClients;
    size_t max_request_bytes = kMaxRequestBytes;
    std::function<bool(std::string_view)> is_long;  // nullptr: none is
  };

  // Makes the socket (mode 0660, its folder too when missing) and starts the thread. A socket
  // nobody listens on is a crash's leftover and is replaced; one that answers means another daemon
  // runs.
  static absl::StatusOr<std::unique_ptr<OperatorServer>> Start(Options options, Handler handler);
  // Ends the thread and removes the socket.
  ~OperatorServer();
  OperatorServer(const OperatorServer&) = delete;
  OperatorServer& operator=(const OperatorServer&) = delete;

  uint64_t accept_failures() const { return server_->accept_failures(); }

 private:
  explicit OperatorServer(Options options) : options_(std::move(options)) {}
  absl::StatusOr<int> Listen();

  const Options options_;
  bool made_folder_ = false;
  bool made_socket_ = false;
  std::unique_ptr<RequestServer> server_;
};

}  // namespace sluice
