// SPDX-License-Identifier: Apache-2.0
#include "bench/http/http_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bench/http/http_message.h"
#include "server/base/status_macros.h"

namespace torchere::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSilenceMs = 30'000;

absl::StatusOr<sockaddr_in> Parse(const std::string& address) {
  const size_t colon = address.rfind(':');
  sockaddr_in parsed{};
  uint32_t port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      inet_pton(AF_INET, address.substr(0, colon).c_str(), &parsed.sin_addr) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--target=", address, ": expected an IPv4 address and a port"));
  }
  parsed.sin_family = AF_INET;
  parsed.sin_port = htons(static_cast<uint16_t>(port));
  return parsed;
}

// A socket and the one request that is under way on it. Sends and reads wait: a request fits into a
// socket's buffer, and only what epoll says is there is read.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { Close(); }

  bool Open(const sockaddr_in& address) {
    Close();
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  void Send(const std::string& request, Time now) {
    began_ = now;
    received_.clear();
    // Where this fails, reading says so.
    (void)send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
  }

  // Reads what is there; false at the end of the connection.
  bool Read() {
    std::array<char, 65536> bytes;
    const ssize_t count = recv(socket_, bytes.data(), bytes.size(), 0);
    if (count > 0) received_.append(bytes.data(), static_cast<size_t>(count));
    return count > 0;
  }

  std::optional<HttpReply> reply() const { return ReadHttpReply(received_); }
  int socket() const { return socket_; }
  Time began() const { return began_; }

 private:
  void Close() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
    received_.clear();
  }

  int socket_ = -1;
  Time began_;
  std::string received_;
};

class HttpLoad {
 public:
  HttpLoad(const sockaddr_in& address, const std::string& request, const Window& window,
           Tally& tally)
      : address_(address), request_(request), window_(window), tally_(tally) {}
  HttpLoad(const HttpLoad&) = delete;
  HttpLoad& operator=(const HttpLoad&) = delete;
  ~HttpLoad() { close(epoll_); }

  // False where there is no connection.
  bool Run(int concurrency) {
    std::vector<Connection> connections(static_cast<size_t>(concurrency));
    for (Connection& connection : connections) {
      if (!Connect(connection)) return false;
      connection.Send(request_, Clock::now());
    }
    std::array<epoll_event, 256> events;
    for (live_ = concurrency; live_ > 0;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), kSilenceMs);
      if (count == 0) {
        for (; live_ > 0; --live_) tally_.CountError("no answer", "none for 30 s");
      }
      for (int i = 0; i < count; ++i) Readable(*static_cast<Connection*>(events[i].data.ptr));
    }
    return true;
  }

 private:
  bool Connect(Connection& connection) {
    if (!connection.Open(address_)) return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket(), &event) == 0;
  }

  void Readable(Connection& connection) {
    const bool open = connection.Read();
    const Time now = Clock::now();
    const std::optional<HttpReply> reply = connection.reply();
    if (!reply && open) return;
    if (window_.Holds(now)) Count(connection, reply, now);
    const bool again = now < window_.end;
    if (again && (!reply || reply->closes) && !Connect(connection)) {
      tally_.CountError("closed", "no new connection");
      --live_;
    } else if (again) {
      connection.Send(request_, now);
    } else {
      epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.socket(), nullptr);
      --live_;
    }
  }

  void Count(const Connection& connection, const std::optional<HttpReply>& reply, Time now) {
    if (!reply) {
      tally_.CountError("closed", "the server closed the connection");
    } else if (reply->status != 200) {
      tally_.CountError(absl::StrCat("HTTP ", reply->status), reply->body.substr(0, 200));
    } else {
      tally_.CountAnswer(connection.began(), now, tally_.WantsReply() ? reply->body : "");
    }
  }

  const sockaddr_in address_;
  const std::string& request_;
  const Window& window_;
  Tally& tally_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int live_ = 0;
};

}  // namespace

absl::Status RunHttp(const std::string& address, const std::string& request, int concurrency,
                     const Window& window, Tally& tally) {
  TORCHERE_ASSIGN_OR_RETURN(const sockaddr_in parsed, Parse(address));
  if (!HttpLoad(parsed, request, window, tally).Run(concurrency)) {
    return absl::UnavailableError(absl::StrCat("no HTTP server at ", address));
  }
  return absl::OkStatus();
}

}  // namespace torchere::bench
