// Answers requests on a listening stream socket: one thread for a bounded number of clients, so
// that none of them, slow, silent or hostile, can hold up another or the end of the daemon.
//
// Requests are handed to one function, one at a time, on that thread; those that `is_long` names
// one at a time on a second thread, while others are answered.
//
// Time. Without `one_request` a client may be silent between requests for as long as it likes;
// `timeout_ms` is what a request has from its first byte to its last, and its answer from its first
// to its last. With it a client has one request, and `timeout_ms` from its connection to the
// answer's last byte, however steadily it dawdles.
//
// A client that has said all it will (a half-close) still gets an answer to every whole request.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

namespace sluice {

// How long new connections wait after one could not be accepted for want of descriptors or memory.
inline constexpr int kAcceptPauseMs = 100;

class RequestServer {
 public:
  enum class Refusal { kTooManyClients, kTooLong, kTooLate };

  struct Rules {
    std::string_view request_end;  // what ends a request; a literal
    bool one_request = false;
    int timeout_ms = 0;
    size_t max_clients = 0;
    size_t max_request_bytes = 0;  // the end included
    // Whether the answer may take more than an instant; nullptr: none does.
    std::function<bool(std::string_view)> is_long;
    // What a client is told before it is cut off; may be nothing.
    std::function<std::string(Refusal)> words;
  };
  // Gets a request without its end, gives the bytes of the answer. Must not throw. With `is_long`
  // two threads call it.
  using Handler = std::function<std::string(std::string_view)>;

  // Takes over `listener`, a listening socket that does not block, and starts the thread.
  static absl::StatusOr<std::unique_ptr<RequestServer>> Start(int listener, Rules rules,
                                                              Handler handler);
  // Ends the threads; waits for no client, only for calls of the handler that have begun.
  ~RequestServer();
  RequestServer(const RequestServer&) = delete;
  RequestServer& operator=(const RequestServer&) = delete;

  // Connections that had to wait because they could not be accepted. Any thread.
  uint64_t accept_failures() const { return accept_failures_.load(std::memory_order_relaxed); }

 private:
  struct Client {
    int fd = -1;
    std::string in;            // bytes received; from `start` on not yet answered
    size_t start = 0;          // of the next request
    size_t scanned = 0;        // no request ends before this
    bool has_request = false;  // one ends at `scanned`
    std::string out;           // an answer, of which `taken` bytes are gone
    size_t taken = 0;
    int64_t deadline_ms = 0;  // 0: nothing is expected of it
    bool closes = false;      // after its answer
    bool waits = false;       // a long request of it has no answer yet: it is not polled
  };
  struct LongRequest {
    Client* client = nullptr;  // waits
    std::string text;          // the request, then its answer
  };

  RequestServer(int listener, int wake, Rules rules, Handler handler);
  void Run();
  void RunLong();
  int PollTimeoutMs() const;
  void Accept();
  void Serve(Client& client, int events);
  void Read(Client& client);
  void FindRequest(Client& client);
  void AnswerOne(Client& client);
  void TakeLongAnswers();
  void Send(Client& client, std::string answer);
  void Write(Client& client);
  void AfterAnswer(Client& client);
  void Refuse(Client& client, Refusal why);
  static void Close(Client& client);

  const Rules rules_;
  const Handler handler_;
  const int listener_;
  const int wake_;                            // an eventfd that ends the thread
  std::atomic<bool> stopping_{false};         // set before wake_; nothing else is ordered by it
  std::atomic<uint64_t> accept_failures_{0};  // the thread's; nothing is ordered by it
  int64_t accept_again_ms_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
  std::mutex long_lock_;  // of the next three
  std::condition_variable long_asked_;
  std::deque<LongRequest> long_requests_;
  std::vector<LongRequest> long_answers_;
  std::thread thread_;
  std::thread long_thread_;
};

}  // namespace sluice
