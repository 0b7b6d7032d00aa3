// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/sample_inputs.h"

#include <random>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

ValueSpec TensorSpec(DType dtype, Shape shape) {
  ValueSpec spec;
  spec.name = "x";
  spec.dtype = dtype;
  spec.shape = std::move(shape);
  return spec;
}

TEST_CASE("SampleInputs makes what is declared: rows, then free dimensions of length 3") {
  MethodSignature method;
  method.inputs = {TensorSpec(DType::kFp32, {-1, 3, -1}), TensorSpec(DType::kInt64, {-1})};
  ValueSpec& scale = method.inputs.emplace_back();
  scale.has_default = true;
  std::mt19937 random(1);
  const auto arguments = SampleInputs(method, 5, random);
  REQUIRE(arguments.ok());
  const auto& x = std::get<Tensor>((*arguments)[0]->kind);
  CHECK(x.shape == Shape{5, 3, 3});
  CHECK(x.data.size() == 180);
  CHECK(Floats(*(*arguments)[0])[0] != Floats(*(*arguments)[0])[1]);
  CHECK(std::get<Tensor>((*arguments)[1]->kind).data.size() == 40);
  CHECK_FALSE((*arguments)[2].has_value());
}

TEST_CASE("SampleInputs makes indices that every embedding has") {
  MethodSignature method;
  method.inputs = {TensorSpec(DType::kUint8, {100})};
  std::mt19937 random(1);
  const auto arguments = SampleInputs(method, 1, random);
  REQUIRE(arguments.ok());
  for (const char item : std::get<Tensor>((*arguments)[0]->kind).data.ToString()) {
    CHECK((item == 0 || item == 1));
  }
}

TEST_CASE("SampleInputs keeps to a declared range, and uses all of it") {
  MethodSignature method;
  method.inputs = {TensorSpec(DType::kInt8, {200})};
  method.inputs[0].range = IntRange{-2, 3};
  std::mt19937 random(1);
  const auto arguments = SampleInputs(method, 1, random);
  REQUIRE(arguments.ok());
  std::set<int> seen;
  for (const char item : std::get<Tensor>((*arguments)[0]->kind).data.ToString()) {
    seen.insert(static_cast<signed char>(item));
  }
  CHECK(seen == std::set<int>{-2, -1, 0, 1, 2, 3});
}

TEST_CASE("SampleInputs refuses a sample that would be a load of its own") {
  MethodSignature method;
  method.inputs = {TensorSpec(DType::kFp32, {-1, 1 << 30})};
  std::mt19937 random(1);
  CHECK_FALSE(SampleInputs(method, 64, random).ok());
}

TEST_CASE("HasFreeRows asks for a free first dimension of every tensor") {
  MethodSignature method;
  CHECK_FALSE(HasFreeRows(method));
  method.inputs = {TensorSpec(DType::kFp32, {-1, 3})};
  CHECK(HasFreeRows(method));
  method.inputs.push_back(TensorSpec(DType::kFp32, {3}));
  CHECK_FALSE(HasFreeRows(method));
  method.inputs[1].shape = Shape{};
  CHECK_FALSE(HasFreeRows(method));
}

}  // namespace
}  // namespace torchere
