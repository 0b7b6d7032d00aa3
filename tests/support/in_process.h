// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstring>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "server/request/request.h"

namespace torchere {

// A front end without a wire: waits for the answer to one request.
class Waiter final : public ReplyTo {
 public:
  // The right to answer; to be moved into the request.
  Reply reply() { return Reply(*this); }

  absl::StatusOr<Response> Wait() { return answer_.get_future().get(); }

  // The caller goes.
  void Abandon() { abandoned_ = true; }

  void Answer(absl::StatusOr<Response> answer) override { answer_.set_value(std::move(answer)); }
  bool abandoned() const override { return abandoned_; }

 private:
  std::promise<absl::StatusOr<Response>> answer_;
  std::atomic<bool> abandoned_ = false;
};

// A tensor of FP32 with one dimension.
inline Tensor FloatTensor(const std::vector<float>& items) {
  std::string bytes(items.size() * sizeof(float), '\0');
  if (!items.empty()) std::memcpy(bytes.data(), items.data(), bytes.size());
  return {DType::kFp32, {static_cast<int64_t>(items.size())}, Bytes(std::move(bytes))};
}

inline std::vector<float> Floats(const Value& value) {
  const Tensor& tensor = std::get<Tensor>(value.kind);
  std::vector<float> items(tensor.data.size() / sizeof(float));
  tensor.data.CopyTo(items.data());
  return items;
}

// A request to `model` with one input, x.
inline Request RequestFor(const std::string& model, const std::vector<float>& x, Waiter& waiter) {
  Request request;
  request.model.name = model;
  request.inputs.push_back({"x", {FloatTensor(x)}});
  request.context.arrived = Now();
  request.reply = waiter.reply();
  return request;
}

}  // namespace torchere
