// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/callers.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <chrono>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace torchere {
namespace {

// So long after a connection's end its calls are still known for what they are.
constexpr Duration kGoneFor = std::chrono::seconds(1);

template <typename T>
std::string Numbers(int family, const T& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, &address, text.data(), text.size());
  return text.data();
}

std::string NameV6(const sockaddr_in6& address) {
  const uint16_t port = ntohs(address.sin6_port);
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr) != 0) {
    in_addr v4{};
    std::memcpy(&v4, &address.sin6_addr.s6_addr[12], sizeof v4);
    return absl::StrCat("ipv4:", Numbers(AF_INET, v4), ":", port);
  }
  // A URI: "[", "]" and "%" are escaped.
  const std::string scope =
      address.sin6_scope_id == 0 ? "" : absl::StrCat("%25", address.sin6_scope_id);
  return absl::StrCat("ipv6:%5B", Numbers(AF_INET6, address.sin6_addr), scope, "%5D:", port);
}

}  // namespace

std::string Callers::Name(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return absl::StrCat("ipv4:", Numbers(AF_INET, v4.sin_addr), ":", ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) return NameV6(reinterpret_cast<const sockaddr_in6&>(address));
  return "";
}

bool Callers::Enter(const std::string& caller, size_t endpoint, Time now) {
  MutexLock lock(mutex_);
  Forget(now);
  const auto [it, is_new] = callers_.try_emplace(caller, Caller{.endpoint = endpoint});
  if (it->second.endpoint != endpoint) return false;
  ++it->second.connections;
  if (is_new && endpoint != 0) others_.fetch_add(1, std::memory_order_release);
  return true;
}

void Callers::Leave(const std::string& caller, Time now) {
  MutexLock lock(mutex_);
  Forget(now);
  const auto it = callers_.find(caller);
  if (--it->second.connections > 0) return;
  if (it->second.endpoint == 0) {
    callers_.erase(it);
    return;
  }
  it->second.left = now;
  gone_.push_back({caller, now});
}

std::optional<size_t> Callers::EndpointOf(const std::string& caller) const {
  MutexLock lock(mutex_);
  const auto it = callers_.find(caller);
  if (it == callers_.end()) return std::nullopt;
  return it->second.endpoint;
}

void Callers::ForgetGone(Time now) {
  MutexLock lock(mutex_);
  Forget(now);
}

void Callers::Forget(Time now) {
  while (!gone_.empty() && gone_.front().left + kGoneFor <= now) {
    const auto it = callers_.find(gone_.front().caller);
    // It may have come back since.
    if (it != callers_.end() && it->second.connections == 0 &&
        it->second.left == gone_.front().left) {
      callers_.erase(it);
      others_.fetch_sub(1, std::memory_order_release);
    }
    gone_.pop_front();
  }
}

}  // namespace torchere
