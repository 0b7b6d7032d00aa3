// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torchere {

// HOST:PORT, as a flag gives it: "127.0.0.1:8500", "[::1]:8500", "localhost:0".
struct ListenAddress {
  std::string host = {};
  // 0: any free one.
  uint16_t port = 0;
};

//   INVALID_ARGUMENT  not HOST:PORT, or a port over 65535
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

// "127.0.0.1:8500", "[::1]:8500"
std::string Text(const ListenAddress& address);

// A socket that listens on the address, and the address with the port it got.
struct Listener {
  int fd = -1;
  ListenAddress address = {};
};

// Opens the socket. A port in use is an error: it is never shared.
//
//   INVALID_ARGUMENT     the host is unknown; or it is not loopback and
//                        `allow_remote` is not set
//   FAILED_PRECONDITION  the port is taken, or may not be had
absl::StatusOr<Listener> OpenListener(const ListenAddress& address, bool allow_remote);

}  // namespace torchere
