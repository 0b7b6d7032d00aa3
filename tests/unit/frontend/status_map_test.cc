// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/status_map.h"

#include <string>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "torchere/v1/error.pb.h"

namespace torchere {
namespace {

v1::RpcStatus DetailsIn(const grpc::Status& status) {
  v1::RpcStatus details;
  REQUIRE(details.ParseFromString(status.error_details()));
  return details;
}

TEST_CASE("ToGrpcStatus carries reason, metadata and retry as google.rpc details") {
  const grpc::Status status = ToGrpcStatus(Refuse(absl::StatusCode::kResourceExhausted, "full",
                                                  {.reason = "SERVER_FULL",
                                                   .metadata = {{"limit", "4"}},
                                                   .retry_after = absl::Milliseconds(1500)}));
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(status.error_message() == "full");
  const v1::RpcStatus details = DetailsIn(status);
  CHECK(details.code() == 8);
  REQUIRE(details.details_size() == 2);
  CHECK(details.details(0).type_url() == "type.googleapis.com/google.rpc.ErrorInfo");
  v1::ErrorInfo info;
  REQUIRE(info.ParseFromString(details.details(0).value()));
  CHECK(info.reason() == "SERVER_FULL");
  CHECK(info.domain() == "torchere");
  CHECK(info.metadata().at("limit") == "4");
  v1::RetryInfo retry;
  REQUIRE(retry.ParseFromString(details.details(1).value()));
  CHECK(retry.retry_delay().seconds() == 1);
  CHECK(retry.retry_delay().nanos() == 500'000'000);
}

TEST_CASE("ToGrpcStatus cuts a long text, and not inside a character") {
  std::string text = "ab";
  while (text.size() < 5000) text += "\xc3\xa4";
  const grpc::Status status = ToGrpcStatus(absl::InternalError(text));
  CHECK(status.error_message().size() <= 1024);
  CHECK(status.error_message().size() > 1000);
  const std::string kept = status.error_message().substr(0, status.error_message().size() - 3);
  CHECK(static_cast<unsigned char>(kept.back()) == 0xa4);
  CHECK(DetailsIn(status).message() == status.error_message());
}

TEST_CASE("ToGrpcStatus never sends what is for the log") {
  const grpc::Status status = ToGrpcStatus(WithLogText(absl::InternalError("failed"), "secret"));
  CHECK(status.error_details().find("secret") == std::string::npos);
  CHECK(status.error_message().find("secret") == std::string::npos);
}

}  // namespace
}  // namespace torchere
