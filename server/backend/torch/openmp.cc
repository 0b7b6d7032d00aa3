// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/openmp.h"

#include <ATen/Parallel.h>
#include <ATen/ops/ones.h>
#include <dlfcn.h>

#include <cstdint>

namespace torchere {
namespace {

// omp_pause_resource_all of OpenMP 5.0, and its omp_pause_soft.
using Pause = int (*)(int kind);
constexpr int kSoft = 1;

// Elements of a tensor that LibTorch has one thread fill, if not more.
constexpr int64_t kOneThreads = 32768;

Pause FindPause() {
  static const auto kPause = reinterpret_cast<Pause>(dlsym(RTLD_DEFAULT, "omp_pause_resource_all"));
  return kPause;
}

}  // namespace

void MakeOpenMpPatient() {
  const auto count_cpus = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_num_procs"));
  if (count_cpus == nullptr) return;
  const int threads = at::get_num_threads();
  const int more = count_cpus() + 1;
  at::set_num_threads(more);
  at::ones({more * kOneThreads}, at::kByte);
  at::set_num_threads(threads);
}

bool CanEndTeam() { return FindPause() != nullptr; }

void EndTeam() { FindPause()(kSoft); }

}  // namespace torchere
