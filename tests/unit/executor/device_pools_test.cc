// SPDX-License-Identifier: Apache-2.0
#include "server/executor/device_pools.h"

#include <string>
#include <vector>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/fake_backend.h"

namespace torchere {
namespace {

constexpr Device kCpu{};
constexpr Device kFirst{.kind = Device::Kind::kCuda, .index = 0};
constexpr Device kSecond{.kind = Device::Kind::kCuda, .index = 1};

// A machine of a CPU and so many other devices.
struct Machine {
  explicit Machine(int others = 0) {
    for (int i = 0; i < others; ++i) backend.there.push_back({Device::Kind::kCuda, i});
    backend.device = &device;
  }

  FakeDevice device;
  FakeBackend backend;
  Observer observer;
};

std::vector<Device> DevicesOf(DevicePools& pools, const std::vector<Device>& devices) {
  std::vector<Device> result;
  const auto found = pools.Get(devices);
  REQUIRE(found.ok());
  for (const DevicePool* pool : *found) result.push_back(pool->device());
  return result;
}

TEST_CASE("Models run on every CUDA device where there is one, else on the CPU") {
  Machine without, with(2);
  DevicePools on_cpu(without.backend, without.observer, {});
  CHECK(DevicesOf(on_cpu, {}) == std::vector<Device>{kCpu});
  DevicePools on_both(with.backend, with.observer, {});
  CHECK(DevicesOf(on_both, {}) == std::vector<Device>{kFirst, kSecond});
}

TEST_CASE("A model that names devices runs on these; a device has one pool") {
  Machine machine(2);
  DevicePools pools(machine.backend, machine.observer, {});
  CHECK(DevicesOf(pools, {kCpu}) == std::vector<Device>{kCpu});
  CHECK(DevicesOf(pools, {kSecond, kCpu}) == std::vector<Device>{kSecond, kCpu});
  CHECK(pools.Get({kCpu})->at(0) == pools.Get({kSecond, kCpu})->at(1));
}

TEST_CASE("A device that is not there is refused, and those that are there are named") {
  Machine machine(1);
  DevicePools pools(machine.backend, machine.observer, {.devices = {kCpu, kSecond}});
  const absl::Status status = pools.Start();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(DetailsOf(status).reason == "DEVICE_NOT_FOUND");
  CHECK(status.message() == "there is no device cuda:1 here; there are: cpu, cuda:0");
}

TEST_CASE("Where devices are chosen for the server, a model may name no other") {
  Machine machine(2);
  DevicePools pools(machine.backend, machine.observer, {.devices = {kFirst}});
  REQUIRE(pools.Start().ok());
  CHECK(DevicesOf(pools, {}) == std::vector<Device>{kFirst});
  const absl::Status status = pools.Get({kSecond}).status();
  CHECK(DetailsOf(status).reason == "DEVICE_NOT_FOUND");
  CHECK(status.message() == "the device cuda:1 is not one that --devices names (cuda:0)");
}

TEST_CASE("A device that is there but does not work is refused with what it says") {
  Machine machine(1);
  machine.device.Break(absl::UnavailableError("the driver is too old"));
  DevicePools pools(machine.backend, machine.observer, {});
  const absl::Status status = pools.Start();
  CHECK(DetailsOf(status).reason == "DEVICE_NOT_FOUND");
  CHECK(status.message() == "the device cuda:0 cannot be used: the driver is too old");
}

TEST_CASE("The CPU has a worker for each run that the cores allow, another device two") {
  Machine machine(1);
  DevicePools pools(machine.backend, machine.observer, {.cores = 6, .intra_op_threads = 2});
  CHECK(pools.Get({kCpu})->at(0)->workers() == 3);
  CHECK(pools.Get({kFirst})->at(0)->workers() == 2);
  CHECK(
      pools.Threads() ==
      "cpu: 3 workers x 2 intra-op threads (up to 6 while others are idle), cuda:0: 2 workers x 2 "
      "intra-op threads; 6 cores may be used");
}

}  // namespace
}  // namespace torchere
