// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/wire/status.h"

#include <string>

#include "absl/strings/cord.h"
#include "client/cpp/wire/duration.h"
#include "torchere/error_details.h"

namespace torchere {
inline namespace client {
namespace {

// The payload is the trailer's bytes, by the type that they are.
constexpr char kPayloadType[] = "type.googleapis.com/google.rpc.Status";
constexpr char kErrorInfoType[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kRetryInfoType[] = "type.googleapis.com/google.rpc.RetryInfo";

absl::StatusCode CodeOf(int code) {
  const bool known = code >= 0 && code <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  return known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown;
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.error_code() == grpc::CANCELLED) {
    return absl::UnavailableError("the server is ending");
  }
  absl::Status result(CodeOf(status.error_code()), status.error_message());
  if (!status.error_details().empty()) {
    result.SetPayload(kPayloadType, absl::Cord(status.error_details()));
  }
  return result;
}

absl::Status FromMessage(const v1::Error& error) {
  absl::Status result(CodeOf(error.code()), error.message());
  if (result.ok()) return result;
  v1::ErrorInfo info;
  info.set_reason(error.reason());
  info.set_domain("torchere");
  *info.mutable_metadata() = error.metadata();
  v1::RpcStatus details;
  details.set_code(error.code());
  details.set_message(error.message());
  google::protobuf::Any& any = *details.add_details();
  any.set_type_url(kErrorInfoType);
  any.set_value(info.SerializeAsString());
  result.SetPayload(kPayloadType, absl::Cord(details.SerializeAsString()));
  return result;
}

std::optional<ErrorDetails> DetailsOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadType);
  v1::RpcStatus wire;
  if (!payload || !wire.ParseFromString(std::string(*payload))) return std::nullopt;
  ErrorDetails details;
  bool found = false;
  for (const google::protobuf::Any& any : wire.details()) {
    v1::ErrorInfo info;
    v1::RetryInfo retry;
    if (any.type_url() == kErrorInfoType && info.ParseFromString(any.value())) {
      found = true;
      details.reason = info.reason();
      details.domain = info.domain();
      details.metadata = {info.metadata().begin(), info.metadata().end()};
    } else if (any.type_url() == kRetryInfoType && retry.ParseFromString(any.value())) {
      found = true;
      details.retry_delay = ToNanoseconds(retry.retry_delay());
    }
  }
  if (!found) return std::nullopt;
  return details;
}

}  // namespace client
}  // namespace torchere
