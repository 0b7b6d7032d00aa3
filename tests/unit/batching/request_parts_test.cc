// SPDX-License-Identifier: Apache-2.0
#include "server/batching/request_parts.h"

#include <numeric>
#include <string>
#include <vector>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

// A request of five rows, 0 to 4, in parts of two.
struct Fixture {
  Fixture() {
    method.name = "forward";
    method.outputs.emplace_back().name = "y";
    std::vector<float> x(5);
    std::iota(x.begin(), x.end(), 0.0F);
    Request request = RequestFor("m", x, waiter);
    request.arguments.emplace_back(std::move(request.inputs[0].value));
    request.method = &method;
    request.rows = 5;
    request.request_id = "mine";
    parts = SplitRequest(std::move(request), 2);
  }

  // Answers a part with its own input.
  void Answer(size_t part) {
    Response response{.outputs = {{"y", *parts[part].arguments[0]}}, .request_id = "mine"};
    response.timing = {.queue = Duration(part + 1),
                       .compute = Duration(10),
                       .total = Duration(100),
                       .batch_rows = parts[part].rows};
    parts[part].reply.Send(std::move(response));
  }

  MethodSignature method;
  Waiter waiter;
  std::vector<Request> parts;
};

TEST_CASE("SplitRequest makes parts of the rows in order") {
  Fixture f;
  REQUIRE(f.parts.size() == 3);
  CHECK(Floats(*f.parts[0].arguments[0]) == std::vector<float>{0, 1});
  CHECK(Floats(*f.parts[2].arguments[0]) == std::vector<float>{4});
  CHECK(f.parts[2].rows == 1);
}

TEST_CASE("The parts of a request are joined in order, whichever is answered first") {
  Fixture f;
  for (const size_t part : {2, 0, 1}) f.Answer(part);
  const auto answer = f.waiter.Wait();
  REQUIRE(answer.ok());
  CHECK(Floats(answer->outputs.at(0).value) == std::vector<float>{0, 1, 2, 3, 4});
  CHECK(answer->request_id == "mine");
  CHECK(answer->timing.queue == Duration(1));
  CHECK(answer->timing.compute == Duration(30));
  CHECK(answer->timing.batch_rows == 2);
}

TEST_CASE("One part's error answers the request, and the other parts are abandoned") {
  Fixture f;
  CHECK_FALSE(f.parts[2].reply.abandoned());
  f.parts[1].reply.Send(Refuse(absl::StatusCode::kInvalidArgument, "bad row", {.reason = "R"}));
  CHECK(f.parts[2].reply.abandoned());
  f.Answer(0);
  f.Answer(2);
  CHECK(DetailsOf(f.waiter.Wait().status()).reason == "R");
}

TEST_CASE("Parts that were dropped answer the request too") {
  Fixture f;
  f.parts.clear();
  CHECK(absl::IsInternal(f.waiter.Wait().status()));
}

TEST_CASE("Parts are abandoned when their caller goes") {
  Fixture f;
  f.waiter.Abandon();
  CHECK(f.parts[0].reply.abandoned());
}

}  // namespace
}  // namespace torchere
