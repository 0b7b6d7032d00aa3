// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/wire/request.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/wire/codec.h"
#include "grpcpp/support/slice.h"
#include "tests/support/catch.h"

namespace torchere {
namespace {

Tensor Counted(DataType dtype, std::vector<int64_t> shape) {
  std::vector<std::byte> data(static_cast<size_t>(*ItemCount(shape) * ItemBytes(dtype)));
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i % 251);
  return *Tensor::Create(dtype, std::move(shape), std::move(data));
}

std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  REQUIRE(buffer.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

v1::PredictRequest ReadBack(const grpc::ByteBuffer& buffer) {
  v1::PredictRequest message;
  REQUIRE(message.ParseFromString(Text(buffer)));
  return message;
}

// Whether one of the buffer's pieces is this memory.
bool Holds(const grpc::ByteBuffer& buffer, const std::byte* data) {
  std::vector<grpc::Slice> slices;
  REQUIRE(buffer.Dump(&slices).ok());
  return std::ranges::any_of(slices, [data](const grpc::Slice& slice) {
    return reinterpret_cast<const std::byte*>(slice.begin()) == data;
  });
}

TEST_CASE("a call is serialised as its message is", "[client]") {
  const auto dtype = GENERATE(DataType::kUint8, DataType::kInt16, DataType::kBf16, DataType::kFp64);
  const auto shape = GENERATE(std::vector<int64_t>{20'000}, std::vector<int64_t>{2, 0, 3},
                              std::vector<int64_t>{}, std::vector<int64_t>{1, 1 << 21});
  CAPTURE(DataTypeName(dtype), ShapeText(shape));
  const PredictCall call = {.model = "wine",
                            .inputs = {{"x", Counted(dtype, shape)}},
                            .version = 3,
                            .outputs = {"b", "a"},
                            .request_id = "r7",
                            .priority = -2};
  CHECK(ReadBack(SerializePredict(call).value()).SerializeAsString() ==
        EncodePredict(call).SerializeAsString());
}

TEST_CASE("large tensors come behind the other inputs", "[client]") {
  const NamedValue large = {"large", Counted(DataType::kFp32, {100, 100})};
  const NamedValue list = {"list", List{Counted(DataType::kFp32, {100, 100}), "text"}};
  const NamedValue small = {"small", Counted(DataType::kFp32, {2})};
  const PredictCall call = {.model = "m", .inputs = {large, list, small}};
  const PredictCall reordered = {.model = "m", .inputs = {list, small, large}};
  CHECK(ReadBack(SerializePredict(call).value()).SerializeAsString() ==
        EncodePredict(reordered).SerializeAsString());
}

TEST_CASE("a large tensor's bytes are not copied, and live as long as the request", "[client]") {
  PredictCall call = {.model = "m", .inputs = {{"x", Counted(DataType::kFp32, {100, 100})}}};
  const std::string expected = EncodePredict(call).SerializeAsString();
  const std::byte* const data = call.inputs[0].value.If<Tensor>()->data().data();
  const std::weak_ptr<const std::byte> watch = call.inputs[0].value.If<Tensor>()->shared_data();
  {
    const grpc::ByteBuffer request = SerializePredict(call).value();
    call = {};
    CHECK(Holds(request, data));
    CHECK(ReadBack(request).SerializeAsString() == expected);
  }
  CHECK(watch.expired());
}

TEST_CASE("inputs that are 2 GiB together are refused", "[client]") {
  // All are the same memory.
  const Tensor megabytes = Counted(DataType::kUint8, {32 << 20});
  PredictCall call = {.model = "m"};
  while (call.inputs.size() < 64) {
    CHECK(SerializePredict(call).ok());
    call.inputs.push_back({absl::StrCat("x", call.inputs.size()), megabytes});
  }
  const absl::Status refused = SerializePredict(call).status();
  CHECK(absl::IsInvalidArgument(refused));
  CHECK_THAT(std::string(refused.message()),
             Catch::StartsWith("model 'm': the request has 2147") &&
                 Catch::Contains("bytes, and a message holds 2147483647"));
}

}  // namespace
}  // namespace torchere
