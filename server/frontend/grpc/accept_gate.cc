// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/accept_gate.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

namespace torchere {
namespace {

// What is younger is not ended for another: time for a call or two, and a bound on
// what gRPC has to take in and let go of.
constexpr Duration kLeastLife = std::chrono::milliseconds(100);

int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

// Whether something that was written has not been acknowledged, and still may
// be: a connection that is shut keeps the count it had. The kernel has no event
// for that.
bool HasUnsent(int fd) {
  pollfd state{fd, 0, 0};
  if (poll(&state, 1, 0) != 0) return false;
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

void Watch(int epoll_fd, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

AcceptGate::AcceptGate(Listener listener, std::unique_ptr<Acceptor> acceptor, ConnectionLimit limit,
                       Callers& callers, size_t endpoint)
    : listener_(std::move(listener)),
      acceptor_(std::move(acceptor)),
      limit_(limit),
      callers_(callers),
      endpoint_(endpoint),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      stop_fd_(eventfd(0, EFD_CLOEXEC)),
      spare_fd_(OpenSpare()) {
  Watch(epoll_fd_, listener_.fd, EPOLLIN);
  Watch(epoll_fd_, stop_fd_, EPOLLIN);
  thread_ = std::jthread([this] { Run(); });
}

AcceptGate::~AcceptGate() {
  Stop();
  for (const auto& [fd, connection] : connections_) close(fd);
  for (const int fd : {epoll_fd_, stop_fd_, spare_fd_}) {
    if (fd >= 0) close(fd);
  }
}

void AcceptGate::Stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof one);
  thread_.join();
  close(listener_.fd);
}

void AcceptGate::CloseConnections(Time until) {
  for (const auto& [fd, connection] : connections_) {
    while (HasUnsent(fd) && Now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    shutdown(fd, SHUT_RDWR);
  }
}

void AcceptGate::Run() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int timeout_ms = callers_.all_at_first() ? -1 : 1000;
    const int count =
        epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
    if (count == 0) callers_.ForgetGone(Now());
    bool has_new = false;
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == stop_fd_) return;
      if (fd == listener_.fd) {
        has_new = true;
      } else {
        Forget(fd);
      }
    }
    // Last: a new one may get the descriptor of one that has gone.
    if (has_new) AcceptAll();
  }
}

void AcceptGate::AcceptAll() {
  while (true) {
    sockaddr_storage remote{};
    socklen_t length = sizeof remote;
    const int fd = accept4(listener_.fd, reinterpret_cast<sockaddr*>(&remote), &length,
                           SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      Admit(fd, remote);
    } else if (errno == EMFILE || errno == ENFILE) {
      if (!RefuseOne()) return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;  // EAGAIN: all are taken
    }
  }
}

void AcceptGate::Admit(int fd, const sockaddr_storage& remote) {
  const auto most = static_cast<size_t>(limit_.most);
  const Time now = Now();
  if (connections_.size() >= most && limit_.ends_oldest) EndOldest(now);
  std::string caller = Callers::Name(remote);
  if (connections_.size() >= most || !callers_.Enter(caller, endpoint_, now)) {
    close(fd);
    return;
  }
  connections_[fd] = {std::move(caller), now};
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  // Not for input: only for its end, when gRPC has shut the socket down or both
  // sides have closed.
  Watch(epoll_fd_, fd, 0);
  const int grpcs = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (grpcs < 0) return Forget(fd);
  Acceptor::NewConnectionParameters connection;
  connection.listener_fd = listener_.fd;
  connection.fd = grpcs;
  acceptor_->HandleNewConnection(&connection);
}

void AcceptGate::Forget(int fd) {
  const auto it = connections_.find(fd);
  if (it == connections_.end()) return;
  callers_.Leave(it->second.caller, Now());
  connections_.erase(it);
  // Closing alone would not end the watch while gRPC has its descriptor.
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  close(fd);
}

void AcceptGate::EndOldest(Time now) {
  const auto oldest = std::min_element(
      connections_.begin(), connections_.end(),
      [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
  if (oldest->second.since + kLeastLife > now) return;
  shutdown(oldest->first, SHUT_RDWR);
  Forget(oldest->first);
}

bool AcceptGate::RefuseOne() {
  if (spare_fd_ >= 0) close(spare_fd_);
  const int fd = accept4(listener_.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) close(fd);
  spare_fd_ = OpenSpare();
  return fd >= 0;
}

}  // namespace torchere
