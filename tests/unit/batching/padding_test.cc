// SPDX-License-Identifier: Apache-2.0
#include "server/batching/padding.h"

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "server/batching/request_parts.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

using Floats_ = std::vector<float>;

std::string BytesOf(float item) { return {reinterpret_cast<const char*>(&item), sizeof item}; }

Tensor Shaped(const Shape& shape, const Floats_& items) {
  Tensor tensor = FloatTensor(items);
  tensor.shape = shape;
  return tensor;
}

// A tensor of 1, 2, 3, …
Tensor Counted(const Shape& shape) {
  int64_t size = 1;
  for (const int64_t dim : shape) size *= dim;
  Floats_ items(static_cast<size_t>(size));
  std::iota(items.begin(), items.end(), 1.0F);
  return Shaped(shape, items);
}

ValueSpec Spec(const std::string& name, DType dtype, const Shape& shape) {
  ValueSpec spec;
  spec.name = name;
  spec.dtype = dtype;
  spec.shape = shape;
  return spec;
}

// x of [rows, length], padded with -1 to 4 or 6, with `mask` for it; y of [rows, 2,
// length], padded with 0; the outputs h of [rows, length, …] and p.
MethodSignature Padded() {
  MethodSignature method;
  method.name = "forward";
  method.inputs = {Spec("x", DType::kFp32, {-1, -1}), Spec("y", DType::kFp32, {-1, 2, -1}),
                   Spec("mask", DType::kUint8, {-1, -1})};
  method.inputs[1].has_default = true;
  method.inputs[2].is_made = true;
  method.outputs.resize(2);
  method.outputs[0].name = "h";
  method.outputs[1].name = "p";
  method.padding = {.buckets = {4, 6},
                    .inputs = {{0, 1, BytesOf(-1)}, {1, 2, BytesOf(0)}},
                    .masks = {{2, 0, std::string(1, '\0'), std::string(1, '\1')}},
                    .outputs = {{"h", 1}}};
  return method;
}

const Tensor& TensorOf(const std::optional<Value>& value) { return std::get<Tensor>(value->kind); }

Arguments MakeArguments(std::optional<Tensor> x, std::optional<Tensor> y = {},
                        std::optional<Tensor> mask = {}) {
  Arguments arguments(3);
  if (x) arguments[0] = Value{*x};
  if (y) arguments[1] = Value{*y};
  if (mask) arguments[2] = Value{*mask};
  return arguments;
}

Arguments PaddedArguments(Arguments arguments) {
  const MethodSignature method = Padded();
  const auto length = LengthOf(method, arguments);
  REQUIRE(length.ok());
  Pad(method, *length, arguments);
  return arguments;
}

absl::Status Refused(const Arguments& arguments) {
  const absl::Status status = LengthOf(Padded(), arguments).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK(DetailsOf(status).reason == "SHAPE_MISMATCH");
  return status;
}

TEST_CASE("Each row is filled up to the next bucket, and the mask says what was the caller's") {
  const Arguments padded = PaddedArguments(MakeArguments(Counted({2, 3})));
  CHECK(TensorOf(padded[0]).shape == Shape{2, 4});
  CHECK(Floats(*padded[0]) == Floats_{1, 2, 3, -1, 4, 5, 6, -1});
  CHECK_FALSE(padded[1].has_value());
  const Tensor& mask = TensorOf(padded[2]);
  CHECK(mask.dtype == DType::kUint8);
  CHECK(mask.shape == Shape{2, 4});
  CHECK(mask.data.ToString() == std::string("\1\1\1\0\1\1\1\0", 8));
}

TEST_CASE("What lies before and behind the length stays where it is") {
  const Arguments padded = PaddedArguments(MakeArguments(Counted({1, 5}), Counted({1, 2, 5})));
  CHECK(Floats(*padded[0]) == Floats_{1, 2, 3, 4, 5, -1});
  CHECK(TensorOf(padded[1]).shape == Shape{1, 2, 6});
  CHECK(Floats(*padded[1]) == Floats_{1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10, 0});

  MethodSignature method = Padded();
  method.inputs[0].shape = Shape{-1, -1, 2};
  Arguments arguments = MakeArguments(Counted({2, 1, 2}));
  Pad(method, *LengthOf(method, arguments), arguments);
  CHECK(Floats(*arguments[0]) == Floats_{1, 2, -1, -1, -1, -1, -1, -1,  //
                                         3, 4, -1, -1, -1, -1, -1, -1});
}

TEST_CASE("Long rows are not copied, nor is the fill for each of them, nor its mask") {
  MethodSignature method = Padded();
  method.padding.buckets = {4096};
  const Tensor x = Counted({2, 3});
  Arguments padded = MakeArguments(x);
  Pad(method, *LengthOf(method, padded), padded);
  const auto& pieces = TensorOf(padded[0]).data.pieces();
  REQUIRE(pieces.size() == 4);
  CHECK(pieces[0].data == x.data.pieces()[0].data);
  CHECK(pieces[2].data == x.data.pieces()[0].data + 12);
  CHECK(pieces[1].data == pieces[3].data);
  CHECK(Floats(*padded[0]).at(4097) == 5);
  CHECK(Floats(*padded[0]).back() == -1);
  const auto& mask = TensorOf(padded[2]).data.pieces();
  REQUIRE(mask.size() == 2);
  CHECK(mask[0].data == mask[1].data);
  CHECK(TensorOf(padded[2]).data.size() == 2 * 4096);
}

TEST_CASE("Short rows, however many, and their mask are one piece each") {
  const Arguments padded = PaddedArguments(MakeArguments(Counted({1000, 3})));
  CHECK(TensorOf(padded[0]).data.pieces().size() == 1);
  CHECK(TensorOf(padded[2]).data.pieces().size() == 1);
  const Floats_ items = Floats(*padded[0]);
  REQUIRE(items.size() == 4000);
  CHECK(Floats_(items.end() - 5, items.end()) == Floats_{-1, 2998, 2999, 3000, -1});
  CHECK(TensorOf(padded[2]).data.ToString().substr(3993) == std::string("\1\1\0\1\1\1\0", 7));
}

TEST_CASE("A request of a bucket's length is left as it is, but for its mask") {
  const Tensor x = Counted({1, 4});
  const Arguments padded = PaddedArguments(MakeArguments(x));
  CHECK(TensorOf(padded[0]).data.pieces()[0].data == x.data.pieces()[0].data);
  CHECK(TensorOf(padded[0]).data.pieces().size() == 1);
  CHECK(TensorOf(padded[2]).data.ToString() == std::string(4, '\1'));
}

TEST_CASE("A mask that is given is filled with 0") {
  Tensor mask{DType::kUint8, {1, 3}, Bytes(std::string("\0\1\1", 3))};
  const Arguments padded = PaddedArguments(MakeArguments(Counted({1, 3}), {}, mask));
  CHECK(TensorOf(padded[2]).shape == Shape{1, 4});
  CHECK(TensorOf(padded[2]).data.ToString() == std::string("\0\1\1\0", 4));
}

TEST_CASE("What is given as null counts as left out") {
  Arguments arguments = MakeArguments(Counted({1, 3}));
  arguments[1] = arguments[2] = Value{Null{}};
  const Arguments padded = PaddedArguments(std::move(arguments));
  CHECK(std::holds_alternative<Null>(padded[1]->kind));
  CHECK(TensorOf(padded[2]).shape == Shape{1, 4});
}

// Padded, with `other`, a mask of y.
MethodSignature WithTwoMasks() {
  MethodSignature method = Padded();
  method.inputs.push_back(Spec("other", DType::kUint8, {-1, -1}));
  method.inputs[3].is_made = true;
  method.padding.masks.push_back({3, 1, std::string(1, '\0'), std::string(1, '\1')});
  return method;
}

TEST_CASE("Each mask is made with the rows of the input that it masks") {
  const MethodSignature method = WithTwoMasks();
  Arguments arguments = MakeArguments(Counted({2, 3}), Counted({1, 2, 3}));
  arguments.resize(4);
  SECTION("where both are given") {
    Pad(method, *LengthOf(method, arguments), arguments);
    CHECK(TensorOf(arguments[2]).shape == Shape{2, 4});
    CHECK(TensorOf(arguments[2]).data.ToString() == std::string("\1\1\1\0\1\1\1\0", 8));
    CHECK(TensorOf(arguments[3]).shape == Shape{1, 4});
    CHECK(TensorOf(arguments[3]).data.ToString() == std::string("\1\1\1\0", 4));
  }
  SECTION("or of the first that is given, where that is left out") {
    arguments[1].reset();
    Pad(method, *LengthOf(method, arguments), arguments);
    CHECK(TensorOf(arguments[3]).shape == Shape{2, 4});
  }
}

TEST_CASE("Each mask that is given must have the rows of the input that it masks") {
  const MethodSignature method = WithTwoMasks();
  Arguments arguments = MakeArguments(Counted({2, 3}), Counted({1, 2, 3}));
  arguments.resize(4);
  const auto give = [&arguments](size_t place, int64_t rows) {
    const std::string ones(static_cast<size_t>(rows * 3), '\1');
    arguments[place] = Value{Tensor{DType::kUint8, {rows, 3}, Bytes(ones)}};
  };
  give(2, 2);
  give(3, 1);
  REQUIRE(LengthOf(method, arguments).ok());
  Pad(method, *LengthOf(method, arguments), arguments);
  CHECK(TensorOf(arguments[3]).shape == Shape{1, 4});
  arguments[0] = Value{Counted({2, 3})};
  arguments[1] = Value{Counted({1, 2, 3})};
  give(2, 2);
  give(3, 2);
  CHECK(LengthOf(method, arguments).status().message() ==
        "input 'other': expected shape [1, 3], as it masks input 'y', got [2, 3]");
  give(2, 1);
  CHECK(LengthOf(method, arguments).status().message() ==
        "input 'mask': expected shape [2, 3], as it masks input 'x', got [1, 3]");
}

TEST_CASE("LengthOf tells a request's length and its bucket") {
  const auto length = LengthOf(Padded(), MakeArguments(Counted({3, 5})));
  REQUIRE(length.ok());
  CHECK(length->own == 5);
  CHECK(length->bucket == 6);
  CHECK(LengthOf(Padded(), MakeArguments(Counted({1, 6})))->bucket == 6);
  CHECK(LengthOf(Padded(), MakeArguments(Counted({1, 1})))->bucket == 4);
}

TEST_CASE("LengthOf refuses what is longer than the last bucket, or has rows without items") {
  CHECK(Refused(MakeArguments(Counted({2, 7}))).message() ==
        "input 'x': expected shape [any, 1 to 6], got [2, 7]");
  CHECK(Refused(MakeArguments(Counted({2, 0}))).message() ==
        "input 'x': expected shape [any, 1 to 6], got [2, 0]");
  CHECK(Refused(MakeArguments(Counted({0, 0}))).message() ==
        "input 'x': expected shape [any, 1 to 6], got [0, 0]");

  MethodSignature method = Padded();
  method.inputs[0].shape = Shape{-1, -1, -1};
  CHECK(LengthOf(method, MakeArguments(Counted({2, 5, 0}))).status().message() ==
        "input 'x': expected shape [any, 1 to 6, 1 or more], got [2, 5, 0]");
}

TEST_CASE("A request without rows is as long as its bucket, with a mask without rows") {
  const Arguments padded = PaddedArguments(MakeArguments(Counted({0, 5}), Counted({0, 2, 5})));
  CHECK(TensorOf(padded[0]).shape == Shape{0, 6});
  CHECK(TensorOf(padded[1]).shape == Shape{0, 2, 6});
  CHECK(TensorOf(padded[2]).shape == Shape{0, 6});
  CHECK(TensorOf(padded[2]).data.empty());
}

TEST_CASE("LengthOf refuses inputs that differ in length") {
  CHECK(Refused(MakeArguments(Counted({1, 3}), Counted({1, 2, 4}))).message() ==
        "input 'y': expected shape [any, 2, 3], as long as input 'x', got [1, 2, 4]");
  const auto with_mask = [](const Shape& shape) {
    const auto size = static_cast<size_t>(shape[0] * shape[1]);
    return MakeArguments(Counted({2, 3}), {},
                         Tensor{DType::kUint8, shape, Bytes(std::string(size, '\1'))});
  };
  CHECK(Refused(with_mask({2, 4})).message() ==
        "input 'mask': expected shape [2, 3], as it masks input 'x', got [2, 4]");
  CHECK_FALSE(Refused(with_mask({0, 3})).ok());
  CHECK(LengthOf(Padded(), with_mask({2, 3})).ok());
}

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
