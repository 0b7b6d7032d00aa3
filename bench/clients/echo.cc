// SPDX-License-Identifier: Apache-2.0
// Calls an echo through client/cpp and through the bare stub in turn: client_echo TARGET BYTES
// SECONDS. Prints one JSON object: `library_us` and `stub_us`, medians, and `calls`, how many of
// each.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "torchere/client.h"
#include "torchere/v1/predict.grpc.pb.h"

namespace torchere {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kWarmUpCalls = 5;

Tensor Numbers(size_t bytes) {
  std::vector<float> items(bytes / sizeof(float));
  std::iota(items.begin(), items.end(), 0.0F);
  return Tensor::Of<float>({static_cast<int64_t>(items.size())}, items).value();
}

// The request as a caller of the stub has it: with its bytes in place.
v1::PredictRequest Prepared(const Tensor& numbers) {
  v1::PredictRequest request;
  request.mutable_model()->set_name("types");
  v1::NamedValue& input = *request.add_inputs();
  input.set_name("x");
  v1::Tensor& tensor = *input.mutable_value()->mutable_tensor();
  tensor.set_dtype(v1::DATA_TYPE_FP32);
  tensor.add_shape(numbers.size());
  tensor.set_data(numbers.data().data(), numbers.data().size());
  return request;
}

double Timed(const std::function<void()>& call) {
  const Clock::time_point begin = Clock::now();
  call();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

double Median(std::vector<double> times) {
  times.erase(times.begin(), times.begin() + kWarmUpCalls);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

void Require(bool same) {
  if (!same) throw std::runtime_error("the echo is not what was sent");
}

void Measure(const std::string& target, size_t bytes, std::chrono::duration<double> seconds) {
  const Client client = Client::Connect(target).value();
  const Tensor numbers = Numbers(bytes);
  const PredictCall call = {.model = "types", .inputs = {{"x", numbers}}};
  const auto library = [&] {
    const Prediction answer = client.Predict(call).value();
    Require(answer.TensorOutput("output").value()->size() == numbers.size());
  };
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  const auto stub = v1::PredictService::NewStub(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  const v1::PredictRequest request = Prepared(numbers);
  const auto bare = [&] {
    grpc::ClientContext context;
    v1::PredictResponse response;
    Require(stub->Predict(&context, request, &response).ok() &&
            response.outputs(0).value().tensor().data().size() == numbers.data().size());
  };
  std::vector<double> library_us, stub_us;
  const auto end = Clock::now() + seconds;
  while (Clock::now() < end || stub_us.size() <= kWarmUpCalls) {
    // Who comes first takes turns.
    const bool swapped = stub_us.size() % 2 == 1;
    if (swapped) stub_us.push_back(Timed(bare));
    library_us.push_back(Timed(library));
    if (!swapped) stub_us.push_back(Timed(bare));
  }
  std::cout << nlohmann::json{{"library_us", Median(library_us)},
                              {"stub_us", Median(stub_us)},
                              {"calls", stub_us.size() - kWarmUpCalls}}
            << std::endl;
}

}  // namespace
}  // namespace torchere

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: client_echo TARGET BYTES SECONDS\n";
    return 2;
  }
  try {
    torchere::Measure(argv[1], std::stoul(argv[2]),
                      std::chrono::duration<double>(std::atof(argv[3])));
  } catch (const std::exception& error) {
    std::cerr << "client_echo: " << error.what() << "\n";
    return 1;
  }
}
