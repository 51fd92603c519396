// The operator socket: one thread that serves a bounded number of clients, so that none of them,
// slow, silent or hostile, can hold up another or the daemon. Requests are handed to one function,
// one at a time, on that thread.
//
// Bounds: kMaxOperatorClients (more are turned away with an error), kMaxRequestBytes a request,
// kRequestTimeoutMs for a request to arrive and for an answer to be taken.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "control/api/protocol.h"

namespace sluice {

class OperatorServer {
 public:
  // Gets a line without its end, gives the answer without one. Must not throw.
  using Handler = std::function<std::string(std::string_view)>;

  struct Options {
    std::string path;
    int request_timeout_ms = kRequestTimeoutMs;
    size_t max_clients = kMaxOperatorClients;
    size_t max_request_bytes = kMaxRequestBytes;
  };

  // Makes the socket (mode 0660, its folder too when missing) and starts the thread. A socket
  // nobody listens on is a crash's leftover and is replaced; one that answers means another daemon
  // runs.
  static absl::StatusOr<std::unique_ptr<OperatorServer>> Start(Options options, Handler handler);
  // Ends the thread and removes the socket.
  ~OperatorServer();
  OperatorServer(const OperatorServer&) = delete;
  OperatorServer& operator=(const OperatorServer&) = delete;

 private:
  struct Client {
    int fd = -1;
    std::string in;  // bytes received and not yet answered, from `start`
    size_t start = 0;
    size_t scanned = 0;       // no line ends between start and here
    std::string out;          // bytes of answers not yet taken
    int64_t deadline_ms = 0;  // 0: nothing is expected of it
    bool closes = false;      // after its answer
  };

  OperatorServer(Options options, Handler handler)
      : options_(std::move(options)), handler_(std::move(handler)) {}
  absl::Status Listen();
  void Run();
  void Accept();
  void Serve(Client& client, int events);
  void Read(Client& client);
  bool HasRequest(Client& client) const;
  void AnswerOne(Client& client);
  void Write(Client& client);
  void Refuse(Client& client, std::string_view why);
  int PollTimeoutMs() const;

  const Options options_;
  const Handler handler_;
  int listener_ = -1;
  int wake_ = -1;  // an eventfd that ends the thread
  bool made_folder_ = false;
  std::vector<std::unique_ptr<Client>> clients_;
  std::thread thread_;
};

}  // namespace sluice
