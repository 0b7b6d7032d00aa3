// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/worker_context.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <memory>
#include <thread>

#include "server/backend/torch/runtime.h"
#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("A worker's thread records no gradients for as long as its context lives", "[torch]") {
  CHECK(!c10::InferenceMode::is_enabled());
  auto worker = std::make_unique<TorchWorkerContext>(Device{});
  CHECK(c10::InferenceMode::is_enabled());
  worker.reset();
  CHECK(!c10::InferenceMode::is_enabled());
}

TEST_CASE("A worker's operations use as many threads as were configured", "[torch]") {
  ConfigureTorchRuntime({.intra_op_threads = 2});
  int threads = 0;
  std::jthread([&threads] {
    const TorchWorkerContext worker{Device{}};
    threads = at::get_num_threads();
  }).join();
  CHECK(threads == 2);
}

TEST_CASE("A worker's thread takes denormal numbers for zero", "[torch]") {
  float product = 1;
  std::jthread([&product] {
    const TorchWorkerContext worker{Device{}};
    const volatile float denormal = 1e-40F;
    product = denormal * 0.5F;
  }).join();
  CHECK(product == 0);
}

}  // namespace
}  // namespace torchere
