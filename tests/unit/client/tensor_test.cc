// SPDX-License-Identifier: Apache-2.0
#include "torchere/tensor.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("a tensor gives back the items it was made of", "[client]") {
  const std::vector<float> items = {1.5f, -2.0f, 0.0f, 4.0f};
  const auto tensor = Tensor::Of<float>({2, 2}, items);
  REQUIRE(tensor.ok());
  CHECK(tensor->dtype() == DataType::kFp32);
  CHECK(tensor->shape() == std::vector<int64_t>{2, 2});
  CHECK(tensor->size() == 4);
  CHECK(tensor->data().size() == 16);
  CHECK(tensor->Description() == "FP32 [2, 2]");
  const auto read = tensor->As<float>();
  REQUIRE(read.ok());
  CHECK(std::vector<float>(read->begin(), read->end()) == items);
}

TEST_CASE("a tensor's items are read as their own type only", "[client]") {
  const auto tensor = Tensor::Of<int64_t>({1}, {7});
  REQUIRE(tensor.ok());
  const absl::Status status = tensor->As<float>().status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK(status.message() == "the tensor is INT64 [1], read as FP32");
}

TEST_CASE("a scalar has one item, and a length of 0 none", "[client]") {
  CHECK(Tensor::Of<double>({}, {2.5})->size() == 1);
  CHECK(Tensor::Of<double>({3, 0}, {})->size() == 0);
  CHECK(Tensor().size() == 0);
  CHECK_FALSE(Tensor::Of<double>({}, {}).ok());
}

TEST_CASE("a tensor is refused whose size is not that of its shape", "[client]") {
  const auto code = [](std::vector<int64_t> shape, size_t bytes) {
    return Tensor::Create(DataType::kFp32, std::move(shape), std::vector<std::byte>(bytes))
        .status()
        .code();
  };
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  CHECK(code({2}, 8) == absl::StatusCode::kOk);
  CHECK(code({2}, 4) == absl::StatusCode::kInvalidArgument);
  CHECK(code({2}, 12) == absl::StatusCode::kInvalidArgument);
  CHECK(code({2}, 9) == absl::StatusCode::kInvalidArgument);
  CHECK(code({-1}, 0) == absl::StatusCode::kInvalidArgument);
  CHECK(code({-2, -2}, 16) == absl::StatusCode::kInvalidArgument);
  CHECK(code({kMax, kMax}, 4) == absl::StatusCode::kInvalidArgument);
  // 2^62 items of 4 bytes are 2^64 bytes, which wraps to none.
  CHECK(code({int64_t{1} << 62}, 0) == absl::StatusCode::kInvalidArgument);
  CHECK(code({kMax, kMax, 0}, 0) == absl::StatusCode::kOk);
}

TEST_CASE("an item of a BOOL tensor is 0 or 1", "[client]") {
  CHECK(Tensor::Create(DataType::kBool, {2}, {std::byte{0}, std::byte{1}}).ok());
  CHECK_FALSE(Tensor::Create(DataType::kBool, {2}, {std::byte{0}, std::byte{2}}).ok());
}

TEST_CASE("copies of a tensor share its items", "[client]") {
  auto tensor = Tensor::Of<float>({2}, {1, 2});
  const Tensor copy = *tensor;
  CHECK(copy.data().data() == tensor->data().data());
  tensor = Tensor();
  CHECK(copy.As<float>()->back() == 2);
}

TEST_CASE("a tensor of shared items has no copy of them, and holds on to them", "[client]") {
  auto items = std::make_shared<std::vector<float>>(std::vector<float>{1, 2});
  const auto* data = reinterpret_cast<const std::byte*>(items->data());
  const auto share = [&](std::vector<int64_t> shape, size_t offset) {
    return Tensor::Share(DataType::kFp32, std::move(shape), {items, data + offset}, 8 - offset);
  };
  {
    const auto tensor = share({2}, 0);
    REQUIRE(tensor.ok());
    CHECK(tensor->data().data() == data);
    CHECK(tensor->As<float>()->back() == 2);
    CHECK(items.use_count() == 2);
  }
  CHECK(items.use_count() == 1);
  CHECK(share({1}, 4).ok());
  CHECK(absl::IsInvalidArgument(share({1}, 0).status()));
  const absl::Status crooked = Tensor::Share(DataType::kFp32, {1}, {items, data + 1}, 4).status();
  CHECK(absl::IsInvalidArgument(crooked));
  CHECK(crooked.message() == "the items of a tensor FP32 are not aligned to 4 bytes");
}

}  // namespace
}  // namespace torchere
