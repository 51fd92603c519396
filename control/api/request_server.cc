#include "control/api/request_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

constexpr int kLongestPollMs = 60'000;
constexpr size_t kReadBytes = 65536;

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000} + now.tv_nsec / 1000000;
}

// The connection stays in the queue, and poll names the listener again at once.
bool IsShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RequestServer>> RequestServer::Start(int listener, Rules rules,
                                                                    Handler handler) {
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) {
    const int cause = errno;
    close(listener);
    return absl::UnavailableError(std::strerror(cause));
  }
  return std::unique_ptr<RequestServer>(
      new RequestServer(listener, wake, std::move(rules), std::move(handler)));
}

RequestServer::RequestServer(int listener, int wake, Rules rules, Handler handler)
    : rules_(std::move(rules)),
      handler_(std::move(handler)),
      listener_(listener),
      wake_(wake),
      thread_([this] { Run(); }) {
  if (rules_.is_long != nullptr) {
    long_thread_ = std::thread([this] { RunLong(); });
  }
}

RequestServer::~RequestServer() {
  {
    const std::lock_guard<std::mutex> lock(long_lock_);
    stopping_.store(true, std::memory_order_relaxed);
  }
  long_asked_.notify_one();
  eventfd_write(wake_, 1);
  thread_.join();
  if (long_thread_.joinable()) {
    long_thread_.join();
  }
  TakeLongAnswers();
  for (const std::unique_ptr<Client>& client : clients_) {
    Write(*client);  // what the socket takes of the answer to "stop"
    Close(*client);
  }
  close(listener_);
  close(wake_);
}

int RequestServer::PollTimeoutMs() const {
  int64_t next_ms = accept_again_ms_ == 0 ? INT64_MAX : accept_again_ms_;
  for (const std::unique_ptr<Client>& client : clients_) {
    if (client->waits) {
      continue;
    }
    if (client->out.empty() && client->has_request) {
      return 0;
    }
    if (client->deadline_ms != 0) {
      next_ms = std::min(next_ms, client->deadline_ms);
    }
  }
  if (next_ms == INT64_MAX) {
    return -1;
  }
  return static_cast<int>(std::clamp<int64_t>(next_ms - NowMs(), 0, kLongestPollMs));
}

void RequestServer::Run() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (accept_again_ms_ != 0 && NowMs() >= accept_again_ms_) {
      accept_again_ms_ = 0;
    }
    // A negative descriptor is one that poll passes over.
    std::vector<pollfd> waiting = {{wake_, POLLIN, 0},
                                   {accept_again_ms_ == 0 ? listener_ : -1, POLLIN, 0}};
    for (const std::unique_ptr<Client>& client : clients_) {
      // Nothing more is read from a client whose requests wait: what is kept for it is bounded.
      const int16_t events = !client->out.empty() ? POLLOUT : client->has_request ? 0 : POLLIN;
      waiting.push_back({client->waits ? -1 : client->fd, events, 0});
    }
    if (poll(waiting.data(), waiting.size(), PollTimeoutMs()) < 0 && errno != EINTR) {
      return;
    }
    for (size_t i = 0; i + 2 < waiting.size() && !stopping_.load(std::memory_order_relaxed); ++i) {
      Serve(*clients_[i], waiting[i + 2].revents);
    }
    std::erase_if(clients_, [](const std::unique_ptr<Client>& client) { return client->fd < 0; });
    if (waiting[0].revents != 0) {
      eventfd_t ignored;
      eventfd_read(wake_, &ignored);
      TakeLongAnswers();
    }
    if (waiting[1].revents != 0) {
      Accept();
    }
  }
}

void RequestServer::RunLong() {
  std::unique_lock<std::mutex> lock(long_lock_);
  while (true) {
    long_asked_.wait(lock, [this] {
      return stopping_.load(std::memory_order_relaxed) || !long_requests_.empty();
    });
    if (stopping_.load(std::memory_order_relaxed)) {
      return;
    }
    LongRequest request = std::move(long_requests_.front());
    long_requests_.pop_front();
    lock.unlock();
    request.text = handler_(request.text);
    lock.lock();
    long_answers_.push_back(std::move(request));
    eventfd_write(wake_, 1);
  }
}

void RequestServer::Serve(Client& client, int events) {
  if (client.waits) {
    return;
  }
  if (!client.out.empty()) {
    if (events != 0) {
      Write(client);
    }
  } else if (events != 0 && !client.has_request) {
    Read(client);
  }
  if (client.fd >= 0 && client.out.empty() && client.has_request) {
    AnswerOne(client);
  }
  if (client.fd >= 0 && !client.waits && client.deadline_ms != 0 && NowMs() >= client.deadline_ms) {
    if (client.out.empty()) {
      Refuse(client, Refusal::kTooLate);
    }
    Close(client);
  }
}

void RequestServer::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (IsShortage(errno)) {
      accept_failures_.fetch_add(1, std::memory_order_relaxed);
      accept_again_ms_ = NowMs() + kAcceptPauseMs;
    }
    return;
  }
  auto client = std::make_unique<Client>();
  client->fd = fd;
  if (clients_.size() >= rules_.max_clients) {
    Refuse(*client, Refusal::kTooManyClients);
    Close(*client);
    return;
  }
  if (rules_.one_request) {
    client->deadline_ms = NowMs() + rules_.timeout_ms;
  }
  clients_.push_back(std::move(client));
}

// Only while no whole request waits.
void RequestServer::Read(Client& client) {
  char bytes[kReadBytes];
  const ssize_t count = recv(client.fd, bytes, sizeof(bytes), 0);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
    return;
  }
  if (count <= 0) {
    Close(client);  // every whole request has had its answer
    return;
  }
  if (client.in.empty() && !rules_.one_request) {
    client.deadline_ms = NowMs() + rules_.timeout_ms;
  }
  client.in.erase(0, client.start);
  client.scanned -= client.start;
  client.start = 0;
  client.in.append(bytes, static_cast<size_t>(count));
  FindRequest(client);
}

void RequestServer::FindRequest(Client& client) {
  const size_t end = client.in.find(rules_.request_end, client.scanned);
  client.has_request = end != std::string::npos;
  // An end may have come in part.
  const size_t part = rules_.request_end.size() - 1;
  client.scanned =
      client.has_request
          ? end
          : std::max(client.scanned, client.in.size() - std::min(client.in.size(), part));
  const size_t bytes =
      (client.has_request ? end + rules_.request_end.size() : client.in.size()) - client.start;
  if (bytes > rules_.max_request_bytes ||
      (!client.has_request && bytes == rules_.max_request_bytes)) {
    Refuse(client, Refusal::kTooLong);
  }
}

// One request a round: a client that sends many at once waits for its turn like the others, and a
// second request for the first one's answer to be taken.
void RequestServer::AnswerOne(Client& client) {
  const std::string_view request =
      std::string_view(client.in).substr(client.start, client.scanned - client.start);
  std::string answer;
  client.waits = rules_.is_long != nullptr && rules_.is_long(request);
  if (client.waits) {
    const std::lock_guard<std::mutex> lock(long_lock_);
    long_requests_.push_back({&client, std::string(request)});
    long_asked_.notify_one();
  } else {
    answer = handler_(request);
  }
  client.start = client.scanned = client.scanned + rules_.request_end.size();
  client.has_request = false;
  if (client.start == client.in.size()) {
    client.in.clear();
    client.start = client.scanned = 0;
  }
  if (!client.waits) {
    Send(client, std::move(answer));
  }
}

void RequestServer::TakeLongAnswers() {
  std::vector<LongRequest> answers;
  {
    const std::lock_guard<std::mutex> lock(long_lock_);
    answers.swap(long_answers_);
  }
  for (LongRequest& answer : answers) {
    answer.client->waits = false;
    Send(*answer.client, std::move(answer.text));
  }
}

void RequestServer::Send(Client& client, std::string answer) {
  client.out = std::move(answer);
  client.taken = 0;
  client.closes = rules_.one_request;
  if (!rules_.one_request) {
    client.deadline_ms = NowMs() + rules_.timeout_ms;
  }
  Write(client);
}

void RequestServer::Write(Client& client) {
  while (client.fd >= 0 && client.taken < client.out.size()) {
    const ssize_t count = send(client.fd, client.out.data() + client.taken,
                               client.out.size() - client.taken, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && errno == EAGAIN) {
      return;
    }
    if (count < 0) {
      Close(client);
      return;
    }
    client.taken += static_cast<size_t>(count);
  }
  AfterAnswer(client);
}

void RequestServer::AfterAnswer(Client& client) {
  client.out.clear();
  if (client.fd < 0) {
    return;
  }
  if (client.closes) {
    Close(client);
    return;
  }
  client.deadline_ms = client.in.empty() ? 0 : NowMs() + rules_.timeout_ms;
  FindRequest(client);
}

void RequestServer::Refuse(Client& client, Refusal why) {
  client.out = rules_.words(why);
  client.taken = 0;
  client.in.clear();
  client.start = client.scanned = 0;
  client.has_request = false;
  client.closes = true;
  Write(client);
}

void RequestServer::Close(Client& client) {
  if (client.fd >= 0) {
    close(client.fd);
    client.fd = -1;
  }
}

}  // namespace sluice
