// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "server/frontend/torchere_v1/predict_service.h"
#include "tests/support/catch.h"
#include "tests/unit/frontend/local_server.h"
#include "tests/unit/pipeline/core.h"
#include "torchere/v1/predict.grpc.pb.h"

namespace torchere {

// A server with three models: `same` gives x back, `held` does so once Release()
// has been called, `fails` fails.
class Served {
 public:
  explicit Served(GateLimits limits = {}, const GrpcOptions& options = {}) : gate(limits) {
    const auto fails = [](const Arguments&) { return absl::InvalidArgumentError("not this one"); };
    const auto held = [released = release_.get_future().share()](const Arguments& x) {
      released.wait();
      return Identity(x);
    };
    REQUIRE(core_.Load("same", 1, Identity).ok());
    REQUIRE(core_.Load("fails", 1, fails).ok());
    REQUIRE(core_.Load("held", 1, held, "schema: 1\nqueue: {max_time: 60s}\n").ok());
    MethodTable methods;
    AddPredictService(core_.pipeline, gate, stream_gate, methods);
    server_ = std::make_unique<LocalServer>(
        std::move(methods), options,
        QueueHooks{.give_up_dead = [this] { core_.pools.GiveUpDead(); }});
  }
  ~Served() { Release(); }

  void Release() {
    if (!released_.exchange(true)) release_.set_value();
  }

  // Waits until there are so many in flight, or at most so many; false if that
  // does not come.
  static bool Reaches(const Gate& gate, int64_t requests) {
    return Comes([&] { return gate.requests_in_flight() == requests; });
  }
  static bool FallsTo(const Gate& gate, int64_t requests) {
    return Comes([&] { return gate.requests_in_flight() <= requests; });
  }

  LocalServer& server() { return *server_; }

 private:
  template <typename F>
  static bool Comes(F f) {
    const Time until = Now() + std::chrono::seconds(20);
    while (!f()) {
      if (Now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::promise<void> release_;
  std::atomic<bool> released_ = false;
  Core core_;

 public:
  Gate gate;
  Gate stream_gate{{}};

 private:
  std::unique_ptr<LocalServer> server_;
};

inline v1::PredictRequest PredictOf(const std::string& model, const std::string& data = "four") {
  v1::PredictRequest request;
  request.mutable_model()->set_name(model);
  v1::NamedValue& input = *request.add_inputs();
  input.set_name("x");
  v1::Tensor& tensor = *input.mutable_value()->mutable_tensor();
  tensor.set_dtype(v1::DATA_TYPE_UINT8);
  tensor.add_shape(static_cast<int64_t>(data.size()));
  tensor.set_data(data);
  return request;
}

inline std::string DataOf(const v1::PredictResponse& response) {
  return response.outputs(0).value().tensor().data();
}

// One PredictStream call.
class Stream {
 public:
  explicit Stream(Served& served, std::chrono::milliseconds timeout = std::chrono::hours(1))
      : stub_(v1::PredictService::NewStub(served.server().Channel())) {
    context_.set_deadline(std::chrono::system_clock::now() + timeout);
    stream_ = stub_->PredictStream(&context_);
  }
  ~Stream() { context_.TryCancel(); }

  bool Send(uint64_t id, const std::string& model, const std::string& data = "four",
            std::chrono::milliseconds timeout = {}) {
    v1::PredictStreamRequest request;
    request.set_id(id);
    *request.mutable_predict() = PredictOf(model, data);
    if (timeout.count() != 0) {
      request.mutable_timeout()->set_nanos(static_cast<int32_t>(timeout.count()) * 1'000'000);
    }
    return stream_->Write(request);
  }
  bool Cancel(uint64_t id) {
    v1::PredictStreamRequest request;
    request.set_id(id);
    request.mutable_cancel();
    return stream_->Write(request);
  }

  std::optional<v1::PredictStreamResponse> TryNext() {
    v1::PredictStreamResponse response;
    if (!stream_->Read(&response)) return std::nullopt;
    return response;
  }
  v1::PredictStreamResponse Next() {
    const std::optional<v1::PredictStreamResponse> response = TryNext();
    REQUIRE(response.has_value());
    return *response;
  }
  bool IsOver() { return !TryNext(); }
  void HalfClose() { REQUIRE(stream_->WritesDone()); }
  grpc::Status Finish() { return stream_->Finish(); }

 private:
  std::unique_ptr<v1::PredictService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PredictStreamRequest, v1::PredictStreamResponse>>
      stream_;
};

}  // namespace torchere
