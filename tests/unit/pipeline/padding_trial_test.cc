// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/padding_trial.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "server/batching/padding.h"
#include "tests/support/catch.h"
#include "tests/support/fake_backend.h"
#include "tests/support/in_process.h"
#include "tests/unit/pipeline/masked_sum.h"

namespace torchere {
namespace {

// x of [rows, length] FP32, padded with 9 to 4 or 8, and its mask; h of [rows, length].
MethodSignature Padded() {
  MethodSignature method;
  method.name = "forward";
  method.inputs.resize(2);
  method.inputs[0].name = "x";
  method.inputs[1].name = "mask";
  for (ValueSpec& input : method.inputs) {
    input.dtype = DType::kFp32;
    input.shape = Shape{-1, -1};
  }
  method.inputs[1].is_made = true;
  method.outputs.emplace_back().name = "h";
  const std::string nine("\0\0\x10\x41", 4), one("\0\0\x80\x3F", 4);
  method.padding = {.buckets = {4, 8},
                    .inputs = {{0, 1, nine}},
                    .masks = {{1, 0, std::string(4, '\0'), one}},
                    .outputs = {{"h", 1}}};
  return method;
}

const Shape& ShapeOf(const Arguments& arguments, size_t place = 0) {
  return std::get<Tensor>(arguments[place]->kind).shape;
}

Arguments Sample(int64_t length) {
  Arguments arguments(2);
  Tensor x = FloatTensor(std::vector<float>(static_cast<size_t>(length), 3));
  x.shape = {1, length};
  arguments[0] = Value{x};
  return arguments;
}

absl::StatusOr<NamedValues> Sum(const Arguments& arguments, bool masked) {
  return NamedValues{{"h", {MaskedSum(arguments, masked)}}};
}

std::string Try(FakeModel::Run1 run, const MethodSignature& method = Padded(),
                const std::vector<Arguments>& given = {}) {
  FakeModel model(std::move(run));
  WorkerContext context;
  return TryPadding(method, model, context, kNever, given);
}

TEST_CASE("AtLength gives a method whose lengths are fixed") {
  MethodSignature method = Padded();
  method.inputs[1].type.kind = ValueType::Kind::kOptional;
  const MethodSignature at = AtLength(method, 8);
  CHECK(at.inputs[1].type.kind == ValueType::Kind::kTensor);
  CHECK(at.inputs[0].shape == Shape{-1, 8});
  CHECK(at.inputs[1].shape == Shape{-1, 8});
  CHECK(at.padding.buckets == std::vector<int64_t>{8});
  CHECK(AtLength(Padded(), 0).inputs[0].shape == Shape{-1, -1});
  CHECK(RunLengths(Padded()) == std::vector<int64_t>{4, 8});
  CHECK(RunLengths({}) == std::vector<int64_t>{0});
}

TEST_CASE("SamplesAt pads the samples that fit, and leaves out the others") {
  const std::vector<Arguments> given = {Sample(3), Sample(8), Sample(5)};
  const std::vector<Arguments> four = SamplesAt(Padded(), 4, given);
  REQUIRE(four.size() == 1);
  CHECK(ShapeOf(four[0]) == Shape{1, 4});
  CHECK(Floats(*four[0][0]) == std::vector<float>{3, 3, 3, 9});
  CHECK(Floats(*four[0][1]) == std::vector<float>{1, 1, 1, 0});
  const std::vector<Arguments> eight = SamplesAt(Padded(), 8, given);
  REQUIRE(eight.size() == 3);
  CHECK(ShapeOf(eight[0]) == Shape{1, 8});
  CHECK(SamplesAt(Padded(), 0, given).size() == 3);
}

TEST_CASE("A sample without rows is not run") {
  Arguments none = Sample(3);
  std::get<Tensor>(none[0]->kind) = Tensor{DType::kFp32, {0, 3}, {}};
  CHECK(SamplesAt(Padded(), 4, {none, Sample(2)}).size() == 1);
  std::vector<int64_t> rows;
  Try(
      [&rows](const Arguments& arguments) {
        rows.push_back(ShapeOf(arguments)[0]);
        return Sum(arguments, true);
      },
      Padded(), {none});
  CHECK(rows == std::vector<int64_t>{1, 1, 1, 1});
}

TEST_CASE("TryPadding finds that a model which uses its mask answers alike") {
  std::vector<int64_t> lengths;
  const std::string finding = Try([&lengths](const Arguments& arguments) {
    lengths.push_back(ShapeOf(arguments)[1]);
    return Sum(arguments, true);
  });
  CHECK(absl::StrContains(finding, "the same with padding as without, within"));
  CHECK(lengths == std::vector<int64_t>{2, 4, 6, 8});
}

TEST_CASE("TryPadding says plainly that padding changes answers, where and by how much") {
  const std::string finding = Try([](const Arguments& arguments) { return Sum(arguments, false); });
  INFO(finding);
  CHECK(absl::StartsWith(finding,
                         "PADDING CHANGES ANSWERS: output 'h' of a request of length 2 padded to 4 "
                         "differs, by 1"));
  CHECK(absl::StrContains(finding, "times what rounding may do; does it use its mask?"));
}

TEST_CASE("TryPadding names an output that should have been cut") {
  MethodSignature method = Padded();
  method.padding.outputs.clear();
  const std::string finding =
      Try([](const Arguments& arguments) { return Sum(arguments, true); }, method);
  CHECK(absl::StrContains(finding, "differs: in more than numbers; is it cut under outputs?"));
}

TEST_CASE("TryPadding says why it could find nothing out") {
  SECTION("the model takes no other lengths") {
    const auto run = [](const Arguments& arguments) -> absl::StatusOr<NamedValues> {
      if (ShapeOf(arguments)[1] % 4 != 0) return absl::InvalidArgumentError("not so");
      return Sum(arguments, true);
    };
    CHECK(Try(run) ==
          "whether padding changes its answers is not known: a run of length 2 failed: not so");
  }
  SECTION("no sample can be made") {
    MethodSignature method = Padded();
    method.inputs.emplace_back().name = "z";
    CHECK(absl::StrContains(Try(Identity, method), "is not known: input 'z' has no declared"));
  }
  SECTION("there is no time, or no length between the buckets") {
    FakeModel model(Identity);
    WorkerContext context;
    CHECK(TryPadding(Padded(), model, context, Time::min(), {}) ==
          "what padding does to its answers was not tried");
    MethodSignature method = Padded();
    method.padding.buckets = {1};
    CHECK(Try(Identity, method) == "what padding does to its answers was not tried");
  }
}

TEST_CASE("TryPadding takes the samples that are given") {
  std::vector<int64_t> lengths;
  std::vector<float> first;
  Try(
      [&](const Arguments& arguments) {
        if (lengths.empty()) first = Floats(*arguments[0]);
        lengths.push_back(ShapeOf(arguments)[1]);
        return Sum(arguments, true);
      },
      Padded(), {Sample(4), Sample(3)});
  CHECK(first == std::vector<float>{3, 3, 3});
  CHECK(lengths == std::vector<int64_t>{3, 4, 6, 8});
}

}  // namespace
}  // namespace torchere
