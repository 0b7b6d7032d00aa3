// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace torchere::bench {

// A POST in HTTP/1.1 that keeps its connection. `headers`: whole lines, as "Name: value".
std::string MakeHttpRequest(std::string_view host, std::string_view path,
                            const std::vector<std::string>& headers, std::string_view body);

struct HttpReply {
  // 0 where the bytes are not HTTP/1.x.
  int status = 0;
  // The server will close the connection.
  bool closes = false;
  std::string body;
  // Of all of it, the head included.
  size_t bytes = 0;
};

// The reply that `received` begins with; nothing while it is incomplete.
std::optional<HttpReply> ReadHttpReply(std::string_view received);

}  // namespace torchere::bench
