// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/wire/status.h"

#include <chrono>

#include "tests/support/catch.h"
#include "tests/unit/client/fake_server.h"
#include "torchere/error_details.h"

namespace torchere {
namespace {

TEST_CASE("an error carries reason, metadata and retry delay from the trailer", "[client]") {
  const absl::Status status =
      FromGrpc(testing::Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "queue full", "QUEUE_FULL",
                                {{"model", "digits"}}, /*retry_ms=*/1250));
  CHECK(absl::IsResourceExhausted(status));
  CHECK(status.message() == "queue full");
  const auto details = DetailsOf(status);
  REQUIRE(details.has_value());
  CHECK(details->reason == "QUEUE_FULL");
  CHECK(details->domain == "torchere");
  CHECK(details->metadata == std::map<std::string, std::string>{{"model", "digits"}});
  CHECK(details->retry_delay == std::chrono::milliseconds(1250));
}

TEST_CASE("an error without RetryInfo has no retry delay", "[client]") {
  const auto details =
      DetailsOf(FromGrpc(testing::Refusal(grpc::StatusCode::NOT_FOUND, "no", "MODEL_NOT_FOUND")));
  REQUIRE(details.has_value());
  CHECK_FALSE(details->retry_delay.has_value());
}

TEST_CASE("a call that an ending server cancels is UNAVAILABLE", "[client]") {
  const absl::Status status = FromGrpc({grpc::StatusCode::CANCELLED, "CANCELLED"});
  CHECK(status == absl::UnavailableError("the server is ending"));
}

TEST_CASE("an error whose trailer is missing, foreign or garbage has no details", "[client]") {
  CHECK_FALSE(DetailsOf(absl::OkStatus()));
  CHECK_FALSE(DetailsOf(FromGrpc({grpc::StatusCode::UNAVAILABLE, "no connection"})));
  CHECK_FALSE(DetailsOf(FromGrpc({grpc::StatusCode::INTERNAL, "x", "\xff\xff\xff"})));
  v1::RpcStatus foreign;
  foreign.add_details()->set_type_url("type.googleapis.com/google.rpc.Help");
  CHECK_FALSE(DetailsOf(FromGrpc({grpc::StatusCode::INTERNAL, "x", foreign.SerializeAsString()})));
}

TEST_CASE("a status code that is not known is UNKNOWN", "[client]") {
  v1::Error error;
  error.set_code(GENERATE(77, -1));
  CHECK(absl::IsUnknown(FromMessage(error)));
}

TEST_CASE("an error in an answer's body carries its details alike", "[client]") {
  CHECK(FromGrpc(grpc::Status::OK).ok());
  v1::Error error;
  CHECK(FromMessage(error).ok());
  error.set_code(grpc::StatusCode::INVALID_ARGUMENT);
  error.set_message("broken");
  error.set_reason("MODEL_REJECTED");
  error.mutable_metadata()->insert({"model", "m"});
  const absl::Status status = FromMessage(error);
  CHECK(absl::IsInvalidArgument(status));
  REQUIRE(DetailsOf(status).has_value());
  CHECK(DetailsOf(status)->reason == "MODEL_REJECTED");
  CHECK(DetailsOf(status)->metadata.at("model") == "m");
}

TEST_CASE("a retry delay beyond the clock's range is cut to it", "[client]") {
  v1::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(315'576'000'000);
  v1::RpcStatus details;
  google::protobuf::Any& any = *details.add_details();
  any.set_type_url("type.googleapis.com/google.rpc.RetryInfo");
  any.set_value(retry.SerializeAsString());
  const auto read =
      DetailsOf(FromGrpc({grpc::StatusCode::UNAVAILABLE, "x", details.SerializeAsString()}));
  REQUIRE(read.has_value());
  CHECK(*read->retry_delay > std::chrono::hours(24 * 365 * 200));
}

}  // namespace
}  // namespace torchere
