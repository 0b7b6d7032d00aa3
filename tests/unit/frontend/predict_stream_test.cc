// SPDX-License-Identifier: Apache-2.0
// PredictStream over a real connection, with models of the test's.
#include "server/frontend/torchere_v1/predict_stream.h"

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/frontend/streams.h"

namespace torchere {
namespace {

using v1::PredictStreamResponse;

TEST_CASE("PredictStream answers each request under its id, as it is ready") {
  Served served;
  Stream stream(served);
  REQUIRE(stream.Send(1, "held", "first"));
  REQUIRE(stream.Send(2, "same", "second"));
  const PredictStreamResponse second = stream.Next();
  CHECK(second.id() == 2);
  CHECK(DataOf(second.response()) == "second");
  served.Release();
  const PredictStreamResponse first = stream.Next();
  CHECK(first.id() == 1);
  CHECK(DataOf(first.response()) == "first");
}

TEST_CASE("PredictStream ends OK after the last answer, once its caller sends no more") {
  Served served;
  Stream stream(served);
  REQUIRE(stream.Send(1, "held"));
  stream.HalfClose();
  served.Release();
  CHECK(stream.Next().id() == 1);
  CHECK(stream.IsOver());
  CHECK(stream.Finish().ok());
  CHECK(Served::FallsTo(served.gate, 0));
  CHECK(Served::FallsTo(served.stream_gate, 0));
}

TEST_CASE("An error of one request of a stream is its answer, and the stream goes on") {
  Served served;
  Stream stream(served);
  SECTION("the model fails") {
    REQUIRE(stream.Send(0, "fails"));
    const v1::Error error = stream.Next().error();
    CHECK(error.code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(error.metadata().at("model") == "fails");
  }
  SECTION("there is no such model") {
    REQUIRE(stream.Send(0, "none"));
    const v1::Error error = stream.Next().error();
    CHECK(error.code() == grpc::StatusCode::NOT_FOUND);
    CHECK(error.reason() == "MODEL_NOT_FOUND");
  }
  SECTION("its time is over before it is answered") {
    REQUIRE(stream.Send(0, "held", "four", std::chrono::milliseconds(1)));
    const v1::Error error = stream.Next().error();
    CHECK(error.code() == grpc::StatusCode::DEADLINE_EXCEEDED);
    CHECK(error.reason() == "DEADLINE_EXCEEDED");
  }
  SECTION("its time is over when it comes") {
    REQUIRE(stream.Send(0, "held", "four", std::chrono::milliseconds(-1)));
    CHECK(stream.Next().error().code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  SECTION("it is cancelled") {
    REQUIRE(stream.Send(0, "held"));
    REQUIRE(stream.Cancel(0));
    CHECK(stream.Next().error().code() == grpc::StatusCode::CANCELLED);
  }
  REQUIRE(stream.Send(1, "same"));
  CHECK(stream.Next().has_response());
  stream.HalfClose();
  CHECK(stream.IsOver());
  CHECK(stream.Finish().ok());
}

TEST_CASE("A cancel without a request to end does nothing") {
  Served served;
  Stream stream(served);
  REQUIRE(stream.Cancel(8));
  REQUIRE(stream.Send(8, "same"));
  CHECK(stream.Next().has_response());
}

TEST_CASE("A cancelled request leaves its queue at once, and gives its place back") {
  Served served;
  Stream stream(served);
  // Two run, which no cancel can end; the third waits.
  for (uint64_t id = 0; id < 3; ++id) REQUIRE(stream.Send(id, "held"));
  REQUIRE(Served::Reaches(served.gate, 3));
  REQUIRE(stream.Cancel(2));
  CHECK(stream.Next().id() == 2);
  CHECK(Served::FallsTo(served.gate, 2));
}

TEST_CASE("An id in use is refused, and is free again once it has been answered") {
  Served served;
  Stream stream(served);
  REQUIRE(stream.Send(5, "held", "first"));
  REQUIRE(stream.Send(5, "same", "second"));
  const PredictStreamResponse refused = stream.Next();
  CHECK(refused.id() == 5);
  CHECK(refused.error().code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(refused.error().reason() == "ID_IN_USE");
  served.Release();
  CHECK(DataOf(stream.Next().response()) == "first");
  for (int i = 0; i < 100; ++i) {
    REQUIRE(stream.Send(5, "same", "again"));
    CHECK(DataOf(stream.Next().response()) == "again");
  }
}

TEST_CASE("A stream's request is let in by the same gate as a call's") {
  Served served({.max_requests_in_flight = 1});
  Stream stream(served);
  REQUIRE(stream.Send(1, "held"));
  REQUIRE(Served::Reaches(served.gate, 1));
  REQUIRE(stream.Send(2, "same"));
  const PredictStreamResponse refused = stream.Next();
  CHECK(refused.id() == 2);
  CHECK(refused.error().code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(refused.error().reason() == "SERVER_FULL");
  CHECK(refused.error().has_retry_after());
  served.Release();
  CHECK(stream.Next().id() == 1);
}

TEST_CASE("A stream reads no further message while 64 of its requests are unanswered") {
  Served served;
  Stream stream(served);
  constexpr uint64_t kRequests = 100;
  for (uint64_t id = 0; id < kRequests; ++id) REQUIRE(stream.Send(id, "held"));
  REQUIRE(Served::Reaches(served.gate, PredictStream::kMaxOutstanding));
  // The server reads on meanwhile, but not here.
  for (int i = 0; i < 20; ++i) {
    Stream other(served);
    REQUIRE(other.Send(0, "none"));
    REQUIRE(other.Next().has_error());
  }
  CHECK(Served::FallsTo(served.gate, PredictStream::kMaxOutstanding));
  served.Release();
  std::map<uint64_t, int> answers;
  for (uint64_t i = 0; i < kRequests; ++i) ++answers[stream.Next().id()];
  CHECK(answers.size() == kRequests);
}

TEST_CASE("A stream whose caller takes no answers holds a bounded number, and ends") {
  Served served({}, {.answer_time = std::chrono::milliseconds(100)});
  Stream stream(served);
  int sent = 0;
  // Its writes fail once the stream has ended.
  while (sent < 1000 &&
         stream.Send(static_cast<uint64_t>(sent), "same", std::string(1 << 20, 'x'))) {
    ++sent;
  }
  CHECK(sent < 200);
  CHECK(Served::FallsTo(served.gate, 0));
  CHECK(Served::FallsTo(served.stream_gate, 0));
  while (!stream.IsOver()) {  // the client's library tells no status before
  }
  CHECK(stream.Finish().error_code() == grpc::StatusCode::CANCELLED);
}

TEST_CASE("A stream that its caller leaves gives all places back") {
  Served served;
  {
    Stream stream(served);
    for (uint64_t id = 0; id < 10; ++id) {
      REQUIRE(stream.Send(id, "held", "four", std::chrono::milliseconds(900)));
    }
    REQUIRE(Served::Reaches(served.gate, 10));
  }
  // The two that may run cannot be ended; what waits is.
  CHECK(Served::FallsTo(served.gate, 2));
  served.Release();
  CHECK(Served::FallsTo(served.gate, 0));
  CHECK(Served::FallsTo(served.stream_gate, 0));
}

TEST_CASE("A stream ends at its call's deadline, whatever is in flight") {
  Served served;
  // Each at another moment of the server's work.
  for (int i = 0; i < 30; ++i) {
    Stream stream(served, std::chrono::milliseconds(1 + i % 10));
    uint64_t id = 0;
    while (stream.Send(id++, i % 2 == 0 ? "same" : "held")) {
    }
    while (!stream.IsOver()) {
    }
    CHECK(stream.Finish().error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  served.Release();
  CHECK(Served::FallsTo(served.gate, 0));
  CHECK(Served::FallsTo(served.stream_gate, 0));
}

TEST_CASE("Of many streams at once, each request gets its own answer and no other") {
  Served served;
  std::atomic<int> right = 0;
  std::vector<std::jthread> callers;
  for (int c = 0; c < 8; ++c) {
    callers.emplace_back([&served, &right, c] {
      Stream stream(served);
      const auto data = [c](uint64_t id) {
        return std::to_string(c) + ":" + std::to_string(id) + std::string(id % 7 * 1000, '.');
      };
      constexpr uint64_t kRounds = 20, kTogether = 50;
      for (uint64_t round = 0; round < kRounds; ++round) {
        for (uint64_t id = 0; id < kTogether; ++id) {
          stream.Send(id, "same", data(id));
          // Whether it comes in time does not matter.
          if (id % 5 == 0) stream.Cancel(id);
        }
        for (uint64_t i = 0; i < kTogether; ++i) {
          const std::optional<PredictStreamResponse> answer = stream.TryNext();
          if (!answer) return;
          right += answer->has_response() ? DataOf(answer->response()) == data(answer->id())
                                          : answer->id() % 5 == 0;
        }
      }
    });
  }
  callers.clear();
  CHECK(right == 8 * 20 * 50);
  CHECK(Served::FallsTo(served.gate, 0));
}

TEST_CASE("A drain answers what a stream has sent, and then ends it") {
  Served served;
  Stream stream(served);
  REQUIRE(stream.Send(1, "held"));
  REQUIRE(Served::Reaches(served.gate, 1));
  std::jthread drain([&served] { (*served.server()).Drain(std::chrono::seconds(20)); });
  // The drain has begun once a new request is refused.
  uint64_t id = 2;
  while (true) {
    if (!stream.Send(id++, "same")) break;
    const PredictStreamResponse answer = stream.Next();
    if (answer.has_response()) continue;
    CHECK(answer.error().reason() == "DRAINING");
    break;
  }
  served.Release();
  CHECK(stream.Next().id() == 1);
  CHECK(stream.IsOver());
  CHECK(stream.Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("Predict and PredictStream give the same bytes") {
  Served served;
  const std::string data(GENERATE(size_t{0}, size_t{1}, size_t{5000}, size_t{3} << 20), 'x');
  const auto stub = v1::PredictService::NewStub(served.server().Channel());
  grpc::ClientContext context;
  v1::PredictResponse alone;
  REQUIRE(stub->Predict(&context, PredictOf("same", data), &alone).ok());
  Stream stream(served);
  REQUIRE(stream.Send(1, "same", data));
  v1::PredictResponse streamed = stream.Next().response();
  CHECK(DataOf(streamed).size() == data.size());
  // Only the times differ.
  alone.clear_timing();
  streamed.clear_timing();
  CHECK(streamed.SerializeAsString() == alone.SerializeAsString());
}

}  // namespace
}  // namespace torchere
