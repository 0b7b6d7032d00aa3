// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/executor/device_pool.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/fake_backend.h"
#include "tests/support/in_process.h"

namespace torchere {

// A model, its pool and its queue, without registry and pipeline.
struct Fixture {
  explicit Fixture(FakeModel::Run1 run, int workers = 1, BatchRules rules = {},
                   const Device& where = {})
      : model(std::move(run)) {
    backend.device = &device;
    pool = std::make_unique<DevicePool>(backend, where, workers, observer);
    queue = std::make_unique<ModelQueue>(*pool, model, runs, Patient(std::move(rules)));
  }

  // A slow machine must not make a request wait too long.
  static BatchRules Patient(BatchRules rules) {
    rules.max_time = std::chrono::hours(1);
    return rules;
  }

  Request Make(Waiter& waiter, float x = 1) { return Make(waiter, std::vector<float>{x}); }

  Request Make(Waiter& waiter, const std::vector<float>& x) {
    Request request = RequestFor("m", x, waiter);
    request.method = &model.signature().methods[0];
    request.served = {.name = "m", .version = 3, .label = {}, .method = "forward", .digest = {}};
    request.arguments.emplace_back(std::move(request.inputs[0].value));
    return request;
  }

  // Queues a request of one row for each waiter: 0, 1, …
  void SubmitNumbers(std::vector<Waiter>& waiters) {
    for (size_t i = 0; i < waiters.size(); ++i) {
      Request request = Make(waiters[i], static_cast<float>(i));
      REQUIRE(queue->Submit(request).ok());
    }
  }

  struct Failures : Observer {
    void RequestFailed(uint64_t, const std::string&, int64_t, const absl::Status& why) override {
      const std::lock_guard lock(mutex);
      texts.push_back(LogTextOf(why));
    }
    void DeviceLost(const std::string& name, const absl::Status& why) override {
      const std::lock_guard lock(mutex);
      lost.push_back(name + ": " + std::string(why.message()));
    }
    void RunHangs(const ServedModel& of, const std::string& name, Duration,
                  const std::string& measures) override {
      const std::lock_guard lock(mutex);
      hangs.push_back(of.name + " " + of.method + " " + name + ": " + measures);
    }
    void HangEnded(const ServedModel& of, const std::string& name, Duration) override {
      const std::lock_guard lock(mutex);
      hangs.push_back(of.name + " " + of.method + " " + name + " ended");
    }
    std::mutex mutex;
    std::vector<std::string> texts;
    std::vector<std::string> lost;
    std::vector<std::string> hangs;
  };

  // All asynchronous devices.
  FakeDevice device;
  FakeBackend backend;
  Failures observer;
  FakeModel model;
  std::unique_ptr<DevicePool> pool;
  VersionRuns runs;
  std::unique_ptr<ModelQueue> queue;
};

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

}  // namespace torchere
