// SPDX-License-Identifier: Apache-2.0
#include "server/executor/device_pools.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/status_macros.h"
#include "server/request/error.h"

namespace torchere {
namespace {

// Two streams, so that the runs of one fill the gaps of the other.
constexpr int kStreams = 2;

std::vector<Device> Defaults(const Backend& backend, const std::vector<Device>& chosen) {
  if (!chosen.empty()) return chosen;
  std::vector<Device> devices = backend.devices();
  std::erase_if(devices, [](const Device& device) { return device.kind != Device::Kind::kCuda; });
  if (devices.empty()) devices.emplace_back();
  return devices;
}

std::string Names(const std::vector<Device>& devices) {
  return absl::StrJoin(devices, ", ", [](std::string* out, const Device& device) {
    absl::StrAppend(out, Name(device));
  });
}

bool Contains(const std::vector<Device>& devices, const Device& device) {
  return std::find(devices.begin(), devices.end(), device) != devices.end();
}

absl::Status NotFound(const Device& device, const std::string& why) {
  return Refuse(absl::StatusCode::kFailedPrecondition, why,
                {.reason = "DEVICE_NOT_FOUND", .metadata = {{"device", Name(device)}}});
}

}  // namespace

DevicePools::DevicePools(Backend& backend, Observer& observer, DevicePoolsOptions options)
    : backend_(backend),
      observer_(observer),
      options_(std::move(options)),
      defaults_(Defaults(backend, options_.devices)) {}

absl::Status DevicePools::Start() { return Get(options_.devices).status(); }

absl::StatusOr<std::vector<DevicePool*>> DevicePools::Get(const std::vector<Device>& devices) {
  MutexLock lock(mutex_);
  std::vector<DevicePool*> pools;
  for (const Device& device : devices.empty() ? defaults_ : devices) {
    TORCHERE_ASSIGN_OR_RETURN(DevicePool* const pool, GetOne(device));
    pools.push_back(pool);
  }
  return pools;
}

absl::StatusOr<DevicePool*> DevicePools::GetOne(const Device& device) {
  for (const auto& pool : pools_) {
    if (pool->device() == device) return pool.get();
  }
  const std::vector<Device> there = backend_.devices();
  if (!Contains(there, device)) {
    return NotFound(device, absl::StrCat("there is no device ", Name(device),
                                         " here; there are: ", Names(there)));
  }
  if (!options_.devices.empty() && !Contains(options_.devices, device)) {
    return NotFound(device,
                    absl::StrCat("the device ", Name(device), " is not one that --devices names (",
                                 Names(options_.devices), ")"));
  }
  if (const absl::Status works = backend_.TryDevice(device); !works.ok()) {
    return NotFound(
        device, absl::StrCat("the device ", Name(device), " cannot be used: ", works.message()));
  }
  const int workers =
      IsAsynchronous(device) ? kStreams : std::max(1, options_.cores / options_.intra_op_threads);
  pools_.push_back(std::make_unique<DevicePool>(backend_, device, workers, observer_,
                                                options_.intra_op_threads));
  pools_.back()->OnLost(options_.on_lost);
  if (options_.hang_after > Duration::zero()) {
    pools_.back()->WatchRuns(options_.hang_after, options_.on_hang);
  }
  return pools_.back().get();
}

DevicePool* DevicePools::Find(const Device& device) const {
  MutexLock lock(mutex_);
  for (const auto& pool : pools_) {
    if (pool->device() == device) return pool.get();
  }
  return nullptr;
}

std::vector<DevicePool*> DevicePools::All() const {
  MutexLock lock(mutex_);
  std::vector<DevicePool*> pools;
  pools.reserve(pools_.size());
  for (const auto& pool : pools_) pools.push_back(pool.get());
  return pools;
}

void DevicePools::GiveUpDead() {
  for (DevicePool* pool : All()) pool->GiveUpDead();
}

std::vector<std::string> DevicePools::RunsUnderWay() const {
  std::vector<std::string> texts;
  for (const DevicePool* pool : All()) {
    std::vector<std::string> of_pool = pool->RunsUnderWay();
    std::move(of_pool.begin(), of_pool.end(), std::back_inserter(texts));
  }
  return texts;
}

std::string DevicePools::Threads() const {
  MutexLock lock(mutex_);
  const int intra_op = options_.intra_op_threads;
  const std::string pools =
      absl::StrJoin(pools_, ", ", [intra_op](std::string* out, const auto& pool) {
        const int most = pool->cores().all;
        absl::StrAppend(out, Name(pool->device()), ": ", pool->workers(), " workers x ", intra_op,
                        " intra-op threads");
        if (most > intra_op) absl::StrAppend(out, " (up to ", most, " while others are idle)");
      });
  return absl::StrCat(pools, "; ", options_.cores, " cores may be used");
}

}  // namespace torchere
