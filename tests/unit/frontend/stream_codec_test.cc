// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/stream_codec.h"

#include <chrono>
#include <random>
#include <string>

#include "server/frontend/torchere_v1/codec.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/in_process.h"
#include "torchere/v1/predict.pb.h"

namespace torchere {
namespace {

StreamMessage Decode(const v1::PredictStreamRequest& request) {
  auto message = DecodeStreamMessage(Bytes(request.SerializeAsString()));
  REQUIRE(message.ok());
  return *std::move(message);
}

v1::PredictStreamRequest PredictOf(uint64_t id) {
  v1::PredictStreamRequest request;
  request.set_id(id);
  request.mutable_predict()->mutable_model()->set_name("m");
  return request;
}

TEST_CASE("DecodeStreamMessage reads the id and leaves the request in its bytes") {
  v1::PredictStreamRequest request = PredictOf(~uint64_t{0});
  const StreamMessage message = Decode(request);
  CHECK(message.id == ~uint64_t{0});
  CHECK(message.error.ok());
  CHECK_FALSE(message.is_cancel);
  CHECK(message.timeout == Duration::max());
  CHECK(message.predict.ToString() == request.predict().SerializeAsString());
}

TEST_CASE("DecodeStreamMessage reads a cancel") {
  v1::PredictStreamRequest request;
  request.set_id(7);
  request.mutable_cancel();
  CHECK(Decode(request).is_cancel);
  CHECK(Decode(request).id == 7);
}

TEST_CASE("DecodeStreamMessage reads the timeout on our clock's scale") {
  v1::PredictStreamRequest request = PredictOf(1);
  const auto timeout = [&request](int64_t seconds, int32_t nanos) {
    request.mutable_timeout()->set_seconds(seconds);
    request.mutable_timeout()->set_nanos(nanos);
    return Decode(request);
  };
  CHECK(timeout(1, 500).timeout == std::chrono::seconds(1) + std::chrono::nanoseconds(500));
  CHECK(timeout(0, 0).timeout == Duration::zero());
  CHECK(timeout(-1, -5).timeout < Duration::zero());
  // Neither overflows.
  CHECK(timeout(int64_t{1} << 62, 0).timeout == Duration::max());
  CHECK(timeout(-(int64_t{1} << 62), 0).timeout < Duration::zero());
  for (const int32_t nanos : {1'000'000'000, -1}) {
    CHECK(DetailsOf(timeout(1, nanos).error).reason == "INVALID_VALUE");
  }
}

TEST_CASE("DecodeStreamMessage tells what is wrong with a message whose id it can read") {
  std::string wire = PredictOf(3).SerializeAsString();
  SECTION("two requests") { wire += PredictOf(3).SerializeAsString(); }
  SECTION("neither a request nor a cancel") { wire = "\x08\x03"; }
  SECTION("both") { wire += std::string("\x1a\x00", 2); }
  const auto message = DecodeStreamMessage(Bytes(wire));
  REQUIRE(message.ok());
  CHECK(message->id == 3);
  CHECK(DetailsOf(message->error).reason == "MALFORMED_MESSAGE");
}

TEST_CASE("DecodeStreamMessage and DecodePredict accept nothing that protobuf refuses") {
  std::mt19937 random(3);
  int refused_by_both = 0, accepted_by_both = 0;
  for (int i = 0; i < 30000; ++i) {
    v1::PredictStreamRequest request = PredictOf(random());
    if (random() % 2 == 0) request.mutable_timeout()->set_seconds(random());
    if (random() % 4 == 0) request.mutable_cancel();
    std::string wire = request.SerializeAsString();
    for (unsigned k = 0; k < 1 + random() % 3; ++k) {
      wire[random() % wire.size()] = static_cast<char>(random());
    }
    v1::PredictStreamRequest parsed;
    const bool protobuf_accepts = parsed.ParseFromString(wire);
    const auto message = DecodeStreamMessage(Bytes(wire));
    const bool we_accept = message.ok() && message->error.ok() &&
                           (message->is_cancel || DecodePredict(message->predict).ok());
    if (!protobuf_accepts) CHECK_FALSE(we_accept);
    refused_by_both += !protobuf_accepts && !we_accept;
    accepted_by_both += protobuf_accepts && we_accept;
    if (!protobuf_accepts || !we_accept) continue;
    CHECK(message->id == parsed.id());
    CHECK(message->is_cancel == parsed.has_cancel());
  }
  // The mutations hit both sides, or the test would say nothing.
  CHECK(refused_by_both > 1000);
  CHECK(accepted_by_both > 1000);
}

TEST_CASE("EncodeStreamResponse holds the very bytes that EncodePredict gives") {
  Response response;
  response.model = {.name = "m", .version = 2, .label = {}, .method = "forward", .digest = "d"};
  response.outputs.push_back({"y", {FloatTensor(std::vector<float>(GENERATE(1, 5000)))}});
  v1::PredictStreamResponse message;
  REQUIRE(message.ParseFromString(EncodeStreamResponse(9, response).ToString()));
  CHECK(message.id() == 9);
  CHECK(message.response().SerializeAsString() == EncodePredict(response).ToString());
}

TEST_CASE("EncodeStreamError carries code, text, reason, metadata and when to come back") {
  const absl::Status error = Refuse(absl::StatusCode::kResourceExhausted, "full",
                                    {.reason = "SERVER_FULL",
                                     .metadata = {{"limit", "4"}, {"value", ""}},
                                     .retry_after = absl::Milliseconds(1500)});
  v1::PredictStreamResponse message;
  REQUIRE(message.ParseFromString(EncodeStreamError(5, error).ToString()));
  CHECK(message.id() == 5);
  CHECK(message.error().code() == 8);
  CHECK(message.error().message() == "full");
  CHECK(message.error().reason() == "SERVER_FULL");
  CHECK(message.error().metadata().at("limit") == "4");
  CHECK(message.error().metadata().at("value").empty());
  CHECK(message.error().retry_after().seconds() == 1);
  CHECK(message.error().retry_after().nanos() == 500'000'000);
}

TEST_CASE("EncodeStreamError never sends what is for the log") {
  const absl::Status error = WithLogText(absl::InternalError("failed"), "secret");
  CHECK(EncodeStreamError(1, error).ToString().find("secret") == std::string::npos);
}

}  // namespace
}  // namespace torchere
