// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/wire/request.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/wire/codec.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/support/slice.h"

namespace torchere {
inline namespace client {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

// Bytes from which on to copy them costs more than to hand them on.
constexpr size_t kLarge = 16 << 10;
// What protobuf reads in one message.
constexpr size_t kMostBytes = std::numeric_limits<int32_t>::max();

// Tag and length of a field of so many bytes.
std::string StartOfField(int number, size_t length) {
  uint8_t start[2 * 10];
  const uint32_t tag = WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(tag, start);
  end = CodedOutputStream::WriteVarint64ToArray(length, end);
  return {reinterpret_cast<const char*>(start), static_cast<size_t>(end - start)};
}

// A NamedValue as an item of `inputs`, but for the tensor's own bytes, which are
// its end.
std::string StartOfInput(const std::string& name, const Tensor& tensor) {
  const size_t size = tensor.data().size();
  v1::Tensor head;
  head.set_dtype(static_cast<v1::DataType>(tensor.dtype()));
  head.mutable_shape()->Assign(tensor.shape().begin(), tensor.shape().end());
  v1::NamedValue named;
  named.set_name(name);
  std::string start =
      absl::StrCat(head.SerializeAsString(), StartOfField(v1::Tensor::kDataFieldNumber, size));
  start = absl::StrCat(StartOfField(v1::Value::kTensorFieldNumber, start.size() + size), start);
  start = absl::StrCat(named.SerializeAsString(),
                       StartOfField(v1::NamedValue::kValueFieldNumber, start.size() + size), start);
  return absl::StrCat(StartOfField(v1::PredictRequest::kInputsFieldNumber, start.size() + size),
                      start);
}

// gRPC may need them longer than the call lasts: of one whose deadline passed it
// still sends what it has begun.
grpc::Slice SharedBytes(const Tensor& tensor) {
  using Owner = std::shared_ptr<const std::byte>;
  auto owner = std::make_unique<Owner>(tensor.shared_data());
  void* const data = const_cast<std::byte*>(owner->get());
  const auto let_go = [](void* held) { delete static_cast<Owner*>(held); };
  return {data, tensor.data().size(), let_go, owner.release()};
}

}  // namespace

absl::StatusOr<grpc::ByteBuffer> SerializePredict(const PredictCall& call) {
  v1::PredictRequest message = EncodeAllButInputs(call);
  std::vector<grpc::Slice> slices(1);
  for (const NamedValue& input : call.inputs) {
    const Tensor* const tensor = input.value.If<Tensor>();
    if (tensor != nullptr && tensor->data().size() >= kLarge) {
      slices.emplace_back(StartOfInput(input.name, *tensor));
      slices.push_back(SharedBytes(*tensor));
    } else {
      EncodeInput(input, *message.add_inputs());
    }
  }
  size_t size = message.ByteSizeLong();
  for (const grpc::Slice& slice : slices) size += slice.size();
  if (size > kMostBytes) {
    return absl::InvalidArgumentError(absl::StrCat("model '", call.model, "': the request has ",
                                                   size, " bytes, and a message holds ", kMostBytes,
                                                   "; send fewer rows at a time"));
  }
  // What is appended to a message's bytes is merged into it: more items of `inputs`.
  slices.front() = grpc::Slice(message.SerializeAsString());
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace client
}  // namespace torchere
