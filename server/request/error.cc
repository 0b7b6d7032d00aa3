// SPDX-License-Identifier: Apache-2.0
#include "server/request/error.h"

#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace torchere {
namespace {

constexpr char kPayloadUrl[] = "torchere/error-details";
constexpr char kLogTextUrl[] = "torchere/log-text";

// The payload is text in fields that each end in a zero byte: reason, retry in
// nanoseconds or nothing, then keys and values in turn.
std::string Pack(const ErrorDetails& details) {
  std::string packed;
  const auto add = [&packed](absl::string_view field) {
    packed.append(field.data(), field.size());
    packed.push_back('\0');
  };
  add(details.reason);
  add(details.retry_after ? absl::StrCat(absl::ToInt64Nanoseconds(*details.retry_after)) : "");
  for (const auto& [key, value] : details.metadata) {
    add(key);
    add(value);
  }
  return packed;
}

ErrorDetails Unpack(const std::string& packed) {
  const std::vector<std::string> fields = absl::StrSplit(packed, '\0');
  ErrorDetails details;
  details.reason = fields[0];
  if (int64_t nanos = 0; absl::SimpleAtoi(fields[1], &nanos)) {
    details.retry_after = absl::Nanoseconds(nanos);
  }
  for (size_t i = 2; i + 1 < fields.size(); i += 2) details.metadata[fields[i]] = fields[i + 1];
  return details;
}

std::string WithoutZeros(absl::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (c == '\0') c = '?';
  }
  return clean;
}

}  // namespace

absl::Status Refuse(absl::StatusCode code, absl::string_view message, ErrorDetails details) {
  absl::Status status(code, message);
  for (auto& entry : details.metadata) entry.second = WithoutZeros(entry.second);
  status.SetPayload(kPayloadUrl, absl::Cord(Pack(details)));
  return status;
}

ErrorDetails DetailsOf(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kPayloadUrl)) return Unpack(std::string(*payload));
  ErrorDetails details;
  details.reason = absl::StatusCodeToString(status.code());
  return details;
}

absl::Status Annotate(const absl::Status& status, absl::string_view prefix,
                      const std::map<std::string, std::string>& metadata) {
  if (status.ok()) return status;
  ErrorDetails details = DetailsOf(status);
  details.metadata.insert(metadata.begin(), metadata.end());
  absl::Status annotated =
      Refuse(status.code(), absl::StrCat(prefix, status.message()), std::move(details));
  if (const auto text = status.GetPayload(kLogTextUrl)) annotated.SetPayload(kLogTextUrl, *text);
  return annotated;
}

absl::Status WithLogText(absl::Status status, absl::string_view text) {
  status.SetPayload(kLogTextUrl, absl::Cord(text));
  return status;
}

std::string LogTextOf(const absl::Status& status) {
  const auto text = status.GetPayload(kLogTextUrl);
  return text ? std::string(*text) : std::string();
}

}  // namespace torchere
