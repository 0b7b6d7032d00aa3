// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/status_map.h"

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/request/error.h"
#include "torchere/v1/error.pb.h"

namespace torchere {
namespace {

constexpr size_t kMaxMessageBytes = 1024;
// Of each of the details' values: all of them share the 8 KiB of a call's metadata.
constexpr size_t kMaxValueBytes = 256;

// The longest beginning of `text` that is at most `limit` bytes and ends with a
// whole character.
std::string Cut(absl::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  size_t end = limit - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

void AddDetail(v1::RpcStatus& to, absl::string_view type, const google::protobuf::Message& detail) {
  google::protobuf::Any& any = *to.add_details();
  any.set_type_url("type.googleapis.com/google.rpc." + std::string(type));
  detail.SerializeToString(any.mutable_value());
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const ErrorDetails details = DetailsOf(status);
  const std::string message =
      Cut(absl::string_view(status.message().data(), status.message().size()), kMaxMessageBytes);
  v1::RpcStatus wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(message);
  v1::ErrorInfo info;
  info.set_reason(details.reason);
  info.set_domain("torchere");
  for (const auto& [key, value] : details.metadata) {
    (*info.mutable_metadata())[key] = Cut(value, kMaxValueBytes);
  }
  AddDetail(wire, "ErrorInfo", info);
  if (details.retry_after) {
    const int64_t nanos = absl::ToInt64Nanoseconds(*details.retry_after);
    v1::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(nanos / 1'000'000'000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(nanos % 1'000'000'000));
    AddDetail(wire, "RetryInfo", retry);
  }
  // absl's codes and gRPC's are the same numbers.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      wire.SerializeAsString());
}

}  // namespace torchere
