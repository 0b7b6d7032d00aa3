// SPDX-License-Identifier: Apache-2.0
#include "bench/grpc/target.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <fstream>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "torchere/v1/predict.pb.h"

namespace torchere::bench {
namespace {

constexpr std::chrono::seconds kConnectTime{5};

// Small numbers that are not all alike; as int64, fit to be indices.
template <typename T>
std::string Items(int64_t count, T divisor) {
  std::string bytes(static_cast<size_t>(count) * sizeof(T), '\0');
  auto* items = reinterpret_cast<T*>(bytes.data());
  for (int64_t i = 0; i < count; ++i) items[i] = static_cast<T>(i * 131 % 97) / divisor;
  return bytes;
}

}  // namespace

absl::StatusOr<grpc::ByteBuffer> MakeRequest(const RequestSpec& spec) {
  int64_t count = 1;
  for (const int64_t length : spec.shape) count *= length;
  if (spec.shape.empty() || count <= 0) {
    return absl::InvalidArgumentError("--shape: expected lengths above 0, as in 1,8,8");
  }
  v1::PredictRequest request;
  request.mutable_model()->set_name(spec.model);
  v1::NamedValue& input = *request.add_inputs();
  input.set_name(spec.input);
  v1::Tensor& tensor = *input.mutable_value()->mutable_tensor();
  for (const int64_t length : spec.shape) tensor.add_shape(length);
  if (spec.dtype == "fp32") {
    tensor.set_dtype(v1::DATA_TYPE_FP32);
    tensor.set_data(Items<float>(count, 97));
  } else if (spec.dtype == "int64") {
    tensor.set_dtype(v1::DATA_TYPE_INT64);
    tensor.set_data(Items<int64_t>(count, 1));
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("--dtype=", spec.dtype, ": expected fp32 or int64"));
  }
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

absl::StatusOr<std::string> ReadMessage(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return bytes;
}

absl::StatusOr<std::unique_ptr<grpc::GenericStub>> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  const auto channel =
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnectTime)) {
    return absl::UnavailableError(absl::StrCat("no server at ", address));
  }
  return std::make_unique<grpc::GenericStub>(channel);
}

void SetDeadline(const Target& target, grpc::ClientContext& context) {
  if (target.deadline.count() == 0) return;
  context.set_deadline(std::chrono::system_clock::now() + target.deadline);
}

}  // namespace torchere::bench
