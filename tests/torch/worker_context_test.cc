// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/worker_context.h"

#include <ATen/Parallel.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sum.h>
#include <c10/core/InferenceMode.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <thread>

#include "server/backend/torch/openmp.h"
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

// Threads of this process.
size_t CountThreads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_CASE("UseThreads sets the team of a worker's runs, and ends what it lets go", "[torch]") {
  ConfigureTorchRuntime({.intra_op_threads = 1});
  std::jthread([] {
    TorchWorkerContext worker{Device{}};
    const at::Tensor a = at::ones({512, 512}), b = at::ones({512, 512});
    const size_t before = CountThreads();
    at::sum(a);
    CHECK(CountThreads() == before);
    worker.UseThreads(3);
    // By MKL, and by LibTorch itself.
    CHECK(at::matmul(a, b)[0][0].item<float>() == 512);
    CHECK(at::sum(a).item<float>() == 512 * 512);
    CHECK(CountThreads() == before + 2);
    worker.UseThreads(1);
    CHECK(CountThreads() == before);
    CHECK(at::sum(a).item<float>() == 512 * 512);
    CHECK(CountThreads() == before);
  }).join();
}

TEST_CASE("OpenMP has more threads than there are CPUs, so that those that wait sleep soon",
          "[torch]") {
  std::jthread([] {
    const size_t before = CountThreads();
    MakeOpenMpPatient();
    CHECK(CountThreads() >= before + std::thread::hardware_concurrency());
  }).join();
}

TEST_CASE("A worker's threads are its own", "[torch]") {
  ConfigureTorchRuntime({.intra_op_threads = 1});
  std::jthread([] {
    TorchWorkerContext one{Device{}};
    one.UseThreads(3);
    std::jthread([] {
      TorchWorkerContext other{Device{}};
      other.UseThreads(1);
      CHECK(at::get_num_threads() == 1);
    }).join();
    CHECK(at::get_num_threads() == 3);
    one.UseThreads(1);
  }).join();
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
