// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/tensor_bridge.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <string>

#include "server/request/error.h"
#include "tests/support/catch.h"

namespace torchere {
namespace {

const void* DataOf(const Tensor& tensor) { return tensor.data.pieces()[0].data; }

TEST_CASE("ToTorch joins the pieces of a tensor in memory of its own", "[torch]") {
  Tensor tensor{.dtype = DType::kInt16, .shape = {2, 2}, .data = {}};
  tensor.data.Append(Bytes(std::string("\1\0\2", 3)));
  tensor.data.Append(Bytes(std::string("\0\3\0\4\0", 5)));
  const at::Tensor joined = ToTorch(tensor, nullptr);
  CHECK(joined.equal(at::arange(1, 5, at::kShort).view({2, 2})));
}

TEST_CASE("FromTorch hands a dense tensor over without copying it", "[torch]") {
  at::Tensor items = at::arange(1000);
  const void* data = items.const_data_ptr();
  const absl::StatusOr<Tensor> tensor = FromTorch(items, {OutputMemory::kShare}, "output");
  REQUIRE(tensor.ok());
  CHECK(DataOf(*tensor) == data);
  CHECK(tensor->data.pieces().size() == 1);
  SECTION("and keeps it alive") {
    const auto storage = items.storage().getWeakStorageImpl();
    items.reset();
    CHECK(storage.use_count() == 1);
    CHECK(tensor->data.size() == 8000);
  }
}

TEST_CASE("FromTorch copies a tensor that the model may still write to", "[torch]") {
  at::Tensor items = at::arange(4);
  const absl::StatusOr<Tensor> tensor = FromTorch(items, {OutputMemory::kCopy}, "output");
  REQUIRE(tensor.ok());
  const std::string before = tensor->data.ToString();
  items.zero_();
  CHECK(tensor->data.ToString() == before);
}

TEST_CASE("FromTorch lets a small view not pin a large storage", "[torch]") {
  const at::Tensor items = at::arange(1000);
  SECTION("a quarter of it is shared") {
    const absl::StatusOr<Tensor> tensor =
        FromTorch(items.slice(0, 500, 750), {OutputMemory::kShare}, "output");
    CHECK(DataOf(*tensor) == static_cast<const int64_t*>(items.const_data_ptr()) + 500);
  }
  SECTION("less is copied") {
    const absl::StatusOr<Tensor> tensor =
        FromTorch(items.slice(0, 500, 749), {OutputMemory::kShare}, "output");
    CHECK(DataOf(*tensor) != static_cast<const int64_t*>(items.const_data_ptr()) + 500);
    CHECK(tensor->data.size() == 249 * 8);
    int64_t first = 0;
    BytesReader(tensor->data).Read(&first, sizeof(first));
    CHECK(first == 500);
  }
}

TEST_CASE("FromTorch refuses tensors without items to send", "[torch]") {
  const at::Tensor tensor =
      GENERATE(at::Tensor(), at::empty({2}, at::TensorOptions(at::kMeta)),
               at::zeros({2}, at::kComplexDouble), at::zeros({2}).to_sparse());
  const absl::Status status = FromTorch(tensor, {OutputMemory::kShare}, "output 'x'").status();
  CHECK(absl::IsInternal(status));
  CHECK(DetailsOf(status).reason == "UNSUPPORTED_OUTPUT");
}

}  // namespace
}  // namespace torchere
