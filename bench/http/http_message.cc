// SPDX-License-Identifier: Apache-2.0
#include "bench/http/http_message.h"

#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace torchere::bench {
namespace {

constexpr std::string_view kLine = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

size_t Number(std::string_view text, int base) {
  size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

// The value of a header, empty where it is not there. `head` is in lower case.
std::string Header(const std::string& head, const std::string& name) {
  const size_t at = head.find(absl::StrCat("\r\n", name, ":"));
  if (at == std::string::npos) return {};
  const size_t begin = at + kLine.size() + name.size() + 1;
  std::string value = head.substr(begin, head.find(kLine, begin) - begin);
  absl::StripAsciiWhitespace(&value);
  return value;
}

// Takes the chunks apart into `reply`; false while the last is not there.
bool ReadChunks(std::string_view received, HttpReply& reply) {
  for (;;) {
    const size_t end = received.find(kLine, reply.bytes);
    if (end == std::string_view::npos) return false;
    const size_t length = Number(received.substr(reply.bytes, end - reply.bytes), 16);
    const size_t begin = end + kLine.size();
    reply.bytes = begin + length + kLine.size();
    if (reply.bytes > received.size()) return false;
    if (length == 0) return true;
    reply.body += received.substr(begin, length);
  }
}

}  // namespace

std::string MakeHttpRequest(std::string_view host, std::string_view path,
                            const std::vector<std::string>& headers, std::string_view body) {
  std::string request =
      absl::StrCat("POST ", std::string(path), " HTTP/1.1\r\nHost: ", std::string(host),
                   "\r\nContent-Length: ", body.size(), "\r\n");
  for (const std::string& header : headers) absl::StrAppend(&request, header, "\r\n");
  request += kLine;
  request += body;
  return request;
}

std::optional<HttpReply> ReadHttpReply(std::string_view received) {
  const size_t head_end = received.find(kHeadEnd);
  if (head_end == std::string_view::npos) return std::nullopt;
  const std::string head = absl::AsciiStrToLower(std::string(received.substr(0, head_end)));
  constexpr std::string_view kStatusLine = "http/1.1 200";
  HttpReply reply;
  reply.bytes = head_end + kHeadEnd.size();
  if (absl::StartsWith(head, "http/1.") && head.size() >= kStatusLine.size()) {
    reply.status = static_cast<int>(Number(std::string_view(head).substr(9, 3), 10));
  }
  reply.closes = Header(head, "connection") == "close";
  if (Header(head, "transfer-encoding") == "chunked") {
    if (!ReadChunks(received, reply)) return std::nullopt;
    return reply;
  }
  const size_t length = Number(Header(head, "content-length"), 10);
  if (received.size() < reply.bytes + length) return std::nullopt;
  reply.body = received.substr(reply.bytes, length);
  reply.bytes += length;
  return reply;
}

}  // namespace torchere::bench
