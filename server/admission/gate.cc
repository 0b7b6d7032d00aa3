// SPDX-License-Identifier: Apache-2.0
#include "server/admission/gate.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/request/error.h"

namespace torchere {
namespace {

// Long enough for most models to have answered something meanwhile, short
// enough not to leave the server idle.
constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);

absl::Status Full(absl::string_view what, absl::string_view flag, int64_t limit) {
  return Refuse(absl::StatusCode::kResourceExhausted,
                absl::StrCat("the server is full: ", what, "; its limit is ", flag, "=", limit,
                             "; try again later"),
                {.reason = "SERVER_FULL",
                 .metadata = {{"limit", std::string(flag)}, {"value", absl::StrCat(limit)}},
                 .retry_after = kRetryAfter});
}

}  // namespace

absl::Status Gate::CheckBytes(int64_t more) const {
  if (more <= limits_.max_bytes_in_flight - bytes_) return absl::OkStatus();
  return Full(absl::StrCat(bytes_, " bytes are in flight and ", more, " more do not fit"),
              "--max-bytes-in-flight", limits_.max_bytes_in_flight);
}

absl::StatusOr<Ticket> Gate::Enter(int64_t bytes) {
  // A guess that is larger than the whole room asks for all of it.
  bytes = std::min(bytes, limits_.max_bytes_in_flight);
  MutexLock lock(mutex_);
  if (requests_ >= limits_.max_requests_in_flight) {
    return Full(absl::StrCat(requests_, " requests are in flight"), "--max-requests-in-flight",
                limits_.max_requests_in_flight);
  }
  TORCHERE_RETURN_IF_ERROR(CheckBytes(bytes));
  ++requests_;
  bytes_ += bytes;
  return Ticket(*this, bytes);
}

absl::Status Gate::Exchange(int64_t from, int64_t to) {
  if (to > limits_.max_bytes_in_flight) {
    return Refuse(absl::StatusCode::kResourceExhausted,
                  absl::StrCat("the request takes ", to, " bytes, more than the server's limit ",
                               "--max-bytes-in-flight=", limits_.max_bytes_in_flight),
                  {.reason = "MESSAGE_TOO_LARGE",
                   .metadata = {{"limit", "--max-bytes-in-flight"},
                                {"value", absl::StrCat(limits_.max_bytes_in_flight)}}});
  }
  MutexLock lock(mutex_);
  if (to > from) TORCHERE_RETURN_IF_ERROR(CheckBytes(to - from));
  bytes_ += to - from;
  return absl::OkStatus();
}

void Gate::Return(int64_t bytes) {
  MutexLock lock(mutex_);
  --requests_;
  bytes_ -= bytes;
}

int64_t Gate::requests_in_flight() const {
  MutexLock lock(mutex_);
  return requests_;
}

int64_t Gate::bytes_in_flight() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace torchere
