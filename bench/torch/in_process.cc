// SPDX-License-Identifier: Apache-2.0
// What a model costs without a server: LibTorch alone in a loop, with the settings and the passes
// over the graph that torchere-server uses. Prints one line of JSON.

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <c10/core/InferenceMode.h>
#include <malloc.h>
#include <time.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace torchere::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// Parts of equal size that the runs' times are given in, each by its middle.
constexpr int kParts = 1000;

struct Flags {
  std::string model;
  std::string dtype = "fp32";
  std::vector<int64_t> shape;
  int workers = 1;
  int intra_op = 1;
  double rate = 0;
  double seconds = 1;
  double warm_up_seconds = 0.3;
};

torch::jit::Module Load(const std::string& path) {
  torch::jit::Module module = torch::jit::load(path);
  for (torch::jit::Module part : module.modules()) {
    if (part.hasattr("training")) part.setattr("training", false);
  }
  module = torch::jit::freeze_module(module, {"forward"});
  std::shared_ptr<torch::jit::Graph> graph = module.get_method("forward").graph();
  torch::jit::OptimizeFrozenGraph(graph);
  return module;
}

at::Tensor MakeInput(const Flags& flags) {
  return flags.dtype == "int64" ? at::randint(97, flags.shape, at::kLong) : at::rand(flags.shape);
}

double CpuSeconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Runs one copy of the input through the shared module again and again, as a worker of the server
// would. Where `rate` is set, a run begins every 1 / rate seconds, so that caches grow cold between
// two.
class Worker {
 public:
  Worker(const torch::jit::Module& module, const Flags& flags)
      : module_(module), input_({MakeInput(flags)}), rate_(flags.rate) {}

  void RunUntil(Clock::time_point end) {
    for (Clock::time_point due = Clock::now(); Clock::now() < end;) {
      if (rate_ > 0) {
        due += std::chrono::duration_cast<Clock::duration>(Seconds(1 / rate_));
        std::this_thread::sleep_until(due);
      }
      const double cpu = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
      const auto begin = Clock::now();
      module_.forward(input_);
      times_us_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
      run_cpu_seconds_ += CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    }
  }

  void Forget() {
    times_us_.clear();
    run_cpu_seconds_ = 0;
  }

  // The time of each run in microseconds.
  const std::vector<double>& times_us() const { return times_us_; }

  // What its thread spent in the runs: neither the pauses, nor other threads' part of a run.
  double run_cpu_seconds() const { return run_cpu_seconds_; }

 private:
  torch::jit::Module module_;
  std::vector<c10::IValue> input_;
  double rate_;
  std::vector<double> times_us_;
  double run_cpu_seconds_ = 0;
};

// What all workers did together in the counted time.
struct Counted {
  std::vector<double> times_us;
  double seconds = 0;
  double cpu_seconds = 0;
};

Counted RunWorkers(const torch::jit::Module& module, const Flags& flags) {
  std::vector<Worker> workers;
  for (int i = 0; i < flags.workers; ++i) workers.emplace_back(module, flags);
  // The workers and this thread, which reads the clocks while they wait.
  std::barrier phase(flags.workers + 1);
  std::vector<std::jthread> threads;
  for (Worker& worker : workers) {
    threads.emplace_back([&worker, &phase, &flags] {
      at::init_num_threads();
      at::globalContext().setFlushDenormal(true);
      const c10::InferenceMode inference;
      worker.RunUntil(Clock::now() +
                      std::chrono::duration_cast<Clock::duration>(Seconds(flags.warm_up_seconds)));
      worker.Forget();
      phase.arrive_and_wait();
      phase.arrive_and_wait();
      worker.RunUntil(Clock::now() +
                      std::chrono::duration_cast<Clock::duration>(Seconds(flags.seconds)));
      phase.arrive_and_wait();
    });
  }
  Counted counted;
  phase.arrive_and_wait();
  const auto begin = Clock::now();
  const double cpu = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
  phase.arrive_and_wait();
  phase.arrive_and_wait();
  // Falling asleep and waking is no part of a run.
  if (flags.rate == 0) counted.cpu_seconds = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  counted.seconds = Seconds(Clock::now() - begin).count();
  for (const Worker& worker : workers) {
    const std::vector<double>& times = worker.times_us();
    counted.times_us.insert(counted.times_us.end(), times.begin(), times.end());
    if (flags.rate > 0) counted.cpu_seconds += worker.run_cpu_seconds();
  }
  return counted;
}

nlohmann::json ToJson(const Flags& flags, Counted counted) {
  std::vector<double>& times = counted.times_us;
  std::sort(times.begin(), times.end());
  const auto at = [&times](double share) {
    return times[static_cast<size_t>(share * (static_cast<double>(times.size()) - 1))];
  };
  std::vector<double> quantiles;
  for (int i = 0; i < kParts; ++i) quantiles.push_back(at((i + 0.5) / kParts));
  const auto runs = static_cast<double>(times.size());
  const double rows = runs * static_cast<double>(flags.shape.front());
  return {{"libtorch", TORCH_VERSION},
          {"rows", flags.shape.front()},
          {"workers", flags.workers},
          {"intra_op", flags.intra_op},
          {"runs", times.size()},
          {"rows_per_s", rows / counted.seconds},
          {"run_p50_us", at(0.5)},
          {"run_p99_us", at(0.99)},
          {"run_quantiles_us", quantiles},
          {"us_per_row", counted.seconds * 1e6 / rows},
          {"cpu_us_per_row", counted.cpu_seconds * 1e6 / rows}};
}

// As torchere-server sets it: freed memory is kept.
void KeepMemory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
}

int Run(const Flags& flags) {
  KeepMemory();
  at::set_num_interop_threads(1);
  at::set_num_threads(flags.intra_op);
  torch::jit::getProfilingMode() = false;
  try {
    torch::jit::Module module = Load(flags.model);
    {
      // A shape that the model does not take shows here, where it can be caught.
      const c10::InferenceMode inference;
      module.forward({MakeInput(flags)});
    }
    const nlohmann::json json = ToJson(flags, RunWorkers(module, flags));
    std::printf("%s\n", json.dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "in_process: %s\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace torchere::bench

int main(int argc, char** argv) {
  torchere::bench::Flags flags;
  CLI::App app("Runs a TorchScript model in a loop, without a server; prints JSON.");
  app.add_option("--model", flags.model, "The model's file")->required();
  app.add_option("--shape", flags.shape, "Shape of its input, rows first: 1,1,8,8")
      ->delimiter(',')
      ->required();
  app.add_option("--dtype", flags.dtype, "fp32 (default) or int64")
      ->check(CLI::IsMember({"fp32", "int64"}));
  app.add_option("--workers", flags.workers, "Loops side by side; default 1")
      ->check(CLI::PositiveNumber);
  app.add_option("--intra-op", flags.intra_op, "LibTorch's threads in each loop; default 1")
      ->check(CLI::PositiveNumber);
  app.add_option("--rate", flags.rate,
                 "Runs a second of each loop, on one thread; default without a pause")
      ->check(CLI::NonNegativeNumber)
      ->excludes("--intra-op");
  app.add_option("--seconds", flags.seconds, "How long to count; default 1");
  app.add_option("--warm-up", flags.warm_up_seconds, "Seconds of running before; default 0.3");
  CLI11_PARSE(app, argc, argv);
  return torchere::bench::Run(flags);
}
