// SPDX-License-Identifier: Apache-2.0
// PadRequest, and what becomes of the answer to a request that was padded.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/batching/padding.h"
#include "server/batching/request_parts.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/unit/batching/padded_method.h"

namespace torchere {
namespace {

// A request of x, and who waits for its answer.
struct Fixture {
  explicit Fixture(const Tensor& x, MethodSignature padded = Padded()) : method(std::move(padded)) {
    request.method = &method;
    request.arguments = MakeArguments(x);
    request.reply = waiter.reply();
  }

  // The answer of a model whose h is x with each number twice, and whose p is 7.
  absl::StatusOr<Response> Answer() {
    Tensor h = TensorOf(request.arguments[0]);
    Floats_ items;
    for (const float item : Floats(*request.arguments[0])) items.insert(items.end(), 2, item);
    h.data = FloatTensor(items).data;
    h.shape.push_back(2);
    Response response;
    response.outputs = {{"h", {h}}, {"p", {FloatTensor({7})}}};
    request.reply.Send(std::move(response));
    return waiter.Wait();
  }

  MethodSignature method;
  Waiter waiter;
  Request request;
};

TEST_CASE("An answer is cut back to the request's own length, and only where that is said") {
  Fixture f(Counted({2, 3}));
  CHECK(*PadRequest(f.request) == 4);
  const auto answer = f.Answer();
  REQUIRE(answer.ok());
  CHECK(TensorOf(answer->outputs.at(0).value).shape == Shape{2, 3, 2});
  CHECK(Floats(answer->outputs.at(0).value) == Floats_{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6});
  CHECK(Floats(answer->outputs.at(1).value) == Floats_{7});
}

TEST_CASE("The answer to a request without rows is cut back to its length") {
  Fixture f(Counted({0, 5}));
  CHECK(*PadRequest(f.request) == 6);
  const auto answer = f.Answer();
  REQUIRE(answer.ok());
  CHECK(TensorOf(answer->outputs.at(0).value).shape == Shape{0, 5, 2});
}

// The answer to a request of this length of a method with this one bucket, whose model
// answers with `h`.
Tensor CutTo(int64_t length, int64_t bucket, Tensor h, size_t axis = 1) {
  MethodSignature method = Padded();
  method.padding.buckets = {bucket};
  method.padding.outputs = {{"h", axis}};
  Fixture f(Counted({1, length}), method);
  REQUIRE(PadRequest(f.request).ok());
  Response response;
  response.outputs = {{"h", {std::move(h)}}};
  f.request.reply.Send(std::move(response));
  const auto answer = f.waiter.Wait();
  REQUIRE(answer.ok());
  return TensorOf(answer->outputs.at(0).value);
}

TEST_CASE("What is cut to less than half does not keep the whole in memory") {
  std::weak_ptr<const void> whole;
  Tensor h{DType::kFp32, {1, 4096}, {}};
  {
    // What eight rows ran in.
    const Bytes run(std::string(size_t{8} * 4096 * 4, 'h'));
    whole = run.pieces()[0].owner;
    h.data = BytesReader(run).Take(size_t{4096} * 4);
  }
  const Tensor cut = CutTo(2047, 4096, std::move(h));
  CHECK(cut.data.ToString() == std::string(size_t{2047} * 4, 'h'));
  CHECK(whole.expired());
}

TEST_CASE("What is cut to half or more is not copied") {
  const Tensor h{DType::kFp32, {1, 4096}, Bytes(std::string(size_t{4096} * 4, 'h'))};
  const Tensor cut = CutTo(2048, 4096, h);
  REQUIRE(cut.data.pieces().size() == 1);
  CHECK(cut.data.size() == size_t{2048} * 4);
  CHECK(cut.data.pieces()[0].data == h.data.pieces()[0].data);
}

TEST_CASE("Short stretches that are cut, however many, are one piece") {
  const Tensor cut = CutTo(3, 4, Counted({1, 1000, 4}), 2);
  CHECK(cut.shape == Shape{1, 1000, 3});
  CHECK(cut.data.pieces().size() == 1);
  const Floats_ items = Floats(Value{cut});
  REQUIRE(items.size() == 3000);
  CHECK(Floats_(items.begin(), items.begin() + 4) == Floats_{1, 2, 3, 5});
  CHECK(items.back() == 3999);
}

TEST_CASE("A request of a bucket's length is answered as its model answers") {
  Fixture f(Counted({1, 4}));
  CHECK(*PadRequest(f.request) == 4);
  Response response;
  response.outputs = {{"h", {FloatTensor({1})}}};
  f.request.reply.Send(std::move(response));
  CHECK(TensorOf(f.waiter.Wait()->outputs.at(0).value).shape == Shape{1});
}

TEST_CASE("A request of a method that is not padded is left alone") {
  MethodSignature method = Padded();
  method.padding = {};
  Fixture f(Counted({1, 3}), method);
  CHECK(*PadRequest(f.request) == 0);
  CHECK(TensorOf(f.request.arguments[0]).shape == Shape{1, 3});
  CHECK_FALSE(f.request.arguments[2].has_value());
}

TEST_CASE("An output that is not as long as its bucket is an error that names it") {
  Fixture f(Counted({1, 3}));
  REQUIRE(PadRequest(f.request).ok());
  Response response;
  response.model.name = "m";
  response.model.version = 2;
  response.outputs = {{"h", {Counted({1, 3})}}};
  f.request.reply.Send(std::move(response));
  const absl::Status status = f.waiter.Wait().status();
  CHECK(absl::IsInternal(status));
  CHECK(status.message() ==
        "model 'm' version 2: output 'h': expected length 4 at axis 1, as pad in model.yaml says, "
        "got [1, 3]");
  CHECK(DetailsOf(status).reason == "MODEL_FAILED");
}

TEST_CASE("An error, and a caller that has gone, are seen through the padding") {
  Fixture f(Counted({1, 3}));
  REQUIRE(PadRequest(f.request).ok());
  CHECK_FALSE(f.request.reply.abandoned());
  f.waiter.Abandon();
  CHECK(f.request.reply.abandoned());
  f.request.reply.Send(Refuse(absl::StatusCode::kInvalidArgument, "no", {.reason = "R"}));
  CHECK(DetailsOf(f.waiter.Wait().status()).reason == "R");
}

TEST_CASE("A padded request that is dropped is answered") {
  Waiter waiter;
  {
    Fixture f(Counted({1, 3}));
    f.request.reply = waiter.reply();
    REQUIRE(PadRequest(f.request).ok());
  }
  CHECK(absl::IsInternal(waiter.Wait().status()));
}

TEST_CASE("The parts of a padded request are joined, then cut back") {
  Fixture f(Counted({3, 3}));
  REQUIRE(PadRequest(f.request).ok());
  f.request.rows = 3;
  std::vector<Request> parts = SplitRequest(std::move(f.request), 2);
  REQUIRE(parts.size() == 2);
  CHECK(Floats(*parts[1].arguments[0]) == Floats_{7, 8, 9, -1});
  for (Request& part : parts) {
    Response response;
    response.outputs = {{"h", *part.arguments[0]}};
    part.reply.Send(std::move(response));
  }
  const auto answer = f.waiter.Wait();
  REQUIRE(answer.ok());
  CHECK(TensorOf(answer->outputs.at(0).value).shape == Shape{3, 3});
  CHECK(Floats(answer->outputs.at(0).value) == Floats_{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

// Takes at most so many bytes.
struct Office : TicketOffice {
  absl::Status Exchange(int64_t, int64_t to) override {
    if (to > most) return Refuse(absl::StatusCode::kResourceExhausted, "full", {.reason = "FULL"});
    bytes = to;
    return absl::OkStatus();
  }
  void Return(int64_t) override {}

  int64_t most = 0;
  int64_t bytes = 0;
};

TEST_CASE("What padding adds to a request is counted by its ticket, before it is there") {
  Office office;
  Fixture f(Counted({1000, 1}));
  f.request.ticket = Ticket(office, 4000);
  SECTION("and taken where there is room") {
    office.most = 1 << 20;
    REQUIRE(PadRequest(f.request).ok());
    // x is copied as it is filled up, and a mask made.
    CHECK(office.bytes == 4000 + 16000 + 4000);
  }
  SECTION("and refused where there is none") {
    office.most = 23999;
    CHECK(DetailsOf(PadRequest(f.request).status()).reason == "FULL");
    CHECK(TensorOf(f.request.arguments[0]).shape == Shape{1000, 1});
  }
}

}  // namespace
}  // namespace torchere
