// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"

namespace torchere {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

absl::StatusOr<Addresses> Resolve(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error =
      getaddrinfo(address.host.c_str(), absl::StrCat(address.port).c_str(), &hints, &list);
  if (error != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the host '", address.host, "' is not known: ", gai_strerror(error)));
  }
  return Addresses(list);
}

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
  }
  if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) != 0;
  }
  return false;
}

uint16_t PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  // The port lies at the same place for both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

absl::Status CannotListen(const ListenAddress& address, int error) {
  if (error == EADDRINUSE) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot listen on ", Text(address),
                     ": the port is in use; choose another, or port 0 for any free one"));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("cannot listen on ", Text(address), ": ", std::strerror(error)));
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const auto bad = [text](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is no HOST:PORT: ", why, "; 127.0.0.1:8500 is one"));
  };
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return bad("there is no port");
  absl::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != absl::string_view::npos) {
    return bad("an IPv6 address stands in brackets, as in [::1]:8500");
  }
  if (host.empty()) return bad("there is no host");
  uint32_t port = 0;
  const absl::string_view port_text = text.substr(colon + 1);
  if (!absl::SimpleAtoi(port_text, &port) || port > 65535) {
    return bad(absl::StrCat("'", port_text, "' is no port from 0 to 65535"));
  }
  return ListenAddress{std::string(host), static_cast<uint16_t>(port)};
}

std::string Text(const ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? absl::StrCat("[", address.host, "]:", address.port)
            : absl::StrCat(address.host, ":", address.port);
}

absl::StatusOr<Listener> OpenListener(const ListenAddress& address, bool allow_remote) {
  TORCHERE_ASSIGN_OR_RETURN(const Addresses addresses, Resolve(address));
  const addrinfo& first = *addresses;
  if (!allow_remote && !IsLoopback(first.ai_addr)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot listen on ", Text(address),
        ": it is not a loopback address, and the port is neither encrypted nor protected; "
        "give --insecure as well if that is meant"));
  }
  const int fd = socket(first.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return CannotListen(address, errno);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, first.ai_addr, first.ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
    const int error = errno;
    close(fd);
    return CannotListen(address, error);
  }
  return Listener{fd, {address.host, PortOf(fd)}};
}

}  // namespace torchere
