// SPDX-License-Identifier: Apache-2.0
#include "server/executor/device_pool.h"

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/fake_backend.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

// A model, its pool and its queue, without registry and pipeline.
struct Fixture {
  explicit Fixture(FakeModel::Run1 run, int workers = 1)
      : model(std::move(run)),
        pool(std::make_unique<DevicePool>(backend, Device{}, workers, observer)),
        queue(*pool, model, {}) {}

  Request Make(Waiter& waiter, float x = 1) {
    Request request = RequestFor("m", {x}, waiter);
    request.method = &model.signature().methods[0];
    request.served = {.name = "m", .version = 3, .label = {}, .method = "forward", .digest = {}};
    request.arguments.emplace_back(std::move(request.inputs[0].value));
    return request;
  }

  struct Failures : Observer {
    void RequestFailed(uint64_t, const std::string&, int64_t, const absl::Status& why) override {
      const std::lock_guard lock(mutex);
      texts.push_back(LogTextOf(why));
    }
    std::mutex mutex;
    std::vector<std::string> texts;
  };

  FakeBackend backend;
  Failures observer;
  FakeModel model;
  std::unique_ptr<DevicePool> pool;
  ModelQueue queue;
};

TEST_CASE("DevicePool answers every request exactly once, from many threads") {
  Fixture f(Identity, 4);
  std::vector<std::jthread> clients;
  std::atomic<int> right = 0;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&f, &right, c] {
      for (int i = 0; i < 200; ++i) {
        Waiter waiter;
        const auto x = static_cast<float>(c * 1000 + i);
        Request request = f.Make(waiter, x);
        if (!f.queue.Submit(request).ok()) continue;
        const auto answer = waiter.Wait();
        if (answer.ok() && Floats(answer->outputs.at(0).value) == std::vector<float>{x}) ++right;
      }
    });
  }
  clients.clear();
  CHECK(right == 800);
}

TEST_CASE("DevicePool tells where a request's time went") {
  Fixture f(Identity);
  Waiter waiter;
  Request request = f.Make(waiter);
  REQUIRE(f.queue.Submit(request).ok());
  const auto answer = waiter.Wait();
  REQUIRE(answer.ok());
  CHECK(answer->timing.queue >= Duration::zero());
  CHECK(answer->timing.total >= answer->timing.queue + answer->timing.compute);
  CHECK(answer->timing.batch_rows == 0);
  CHECK(answer->model.version == 3);
}

TEST_CASE("DevicePool passes a model's error on with the model's name, and logs INTERNAL ones") {
  absl::Status error;
  Fixture f([&error](const Arguments&) -> absl::StatusOr<NamedValues> { return error; });
  Waiter waiter;
  Request request = f.Make(waiter);
  SECTION("one that the model raised") {
    error = Refuse(absl::StatusCode::kInvalidArgument, "no", {.reason = "MODEL_REJECTED"});
    REQUIRE(f.queue.Submit(request).ok());
    const absl::Status status = waiter.Wait().status();
    CHECK(absl::IsInvalidArgument(status));
    CHECK(DetailsOf(status).metadata.at("model") == "m");
    CHECK(DetailsOf(status).metadata.at("version") == "3");
    CHECK(status.message().find("model 'm' version 3") == 0);
    CHECK(f.observer.texts.empty());
  }
  SECTION("one inside it: the log has the text, the caller its id alone") {
    error =
        WithLogText(Refuse(absl::StatusCode::kInternal, "it failed", {.reason = "MODEL_FAILED"}),
                    "secret source line");
    request.context.id = 0xabc;
    REQUIRE(f.queue.Submit(request).ok());
    const absl::Status status = waiter.Wait().status();
    CHECK(absl::IsInternal(status));
    CHECK(status.message().find("0000000000000abc") != absl::string_view::npos);
    CHECK(status.message().find("secret") == absl::string_view::npos);
    CHECK(LogTextOf(status).empty());
    CHECK(f.observer.texts == std::vector<std::string>{"secret source line"});
  }
}

// A model that waits until the test lets it go on.
struct Brake {
  FakeModel::Run1 Run() {
    return [this](const Arguments& arguments) {
      started.set_value();
      released.get_future().wait();
      return Identity(arguments);
    };
  }
  std::promise<void> started, released;
};

TEST_CASE("DevicePool gives up what is dead in its queues while a worker is busy") {
  Brake brake;
  Fixture f(brake.Run());
  Waiter running, dead;
  Request first = f.Make(running);
  REQUIRE(f.queue.Submit(first).ok());
  brake.started.get_future().wait();
  Request second = f.Make(dead);
  REQUIRE(f.queue.Submit(second).ok());
  dead.Abandon();
  f.pool->GiveUpDead();
  CHECK(absl::IsDeadlineExceeded(dead.Wait().status()));
  brake.released.set_value();
  CHECK(running.Wait().ok());
}

TEST_CASE("DevicePool runs what still waits before it ends") {
  Brake brake;
  const FakeModel::Run1 braked = brake.Run();
  std::atomic<int> runs = 0;
  Fixture f([&](const Arguments& arguments) {
    return runs++ == 0 ? braked(arguments) : Identity(arguments);
  });
  Waiter running, waiting;
  Request first = f.Make(running);
  REQUIRE(f.queue.Submit(first).ok());
  brake.started.get_future().wait();
  Request second = f.Make(waiting);
  REQUIRE(f.queue.Submit(second).ok());
  brake.released.set_value();
  f.pool.reset();
  CHECK(running.Wait().ok());
  CHECK(waiting.Wait().ok());
}

}  // namespace
}  // namespace torchere
