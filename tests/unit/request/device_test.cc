// SPDX-License-Identifier: Apache-2.0
#include "server/request/device.h"

#include <string>

#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("DeviceFromName reads what Name writes, and nothing else") {
  for (const Device& device :
       {Device{}, Device{Device::Kind::kCuda, 0}, Device{Device::Kind::kCuda, 12},
        Device{Device::Kind::kPrivate, 1}}) {
    CHECK(DeviceFromName(Name(device)) == device);
  }
  for (const char* text : {"", "CPU", "cpu:0", "cuda", "cuda:", "cuda:-1", "cuda:01", "cuda:0 ",
                           "gpu:0", "cuda:99999999999"}) {
    INFO(text);
    CHECK(!DeviceFromName(text));
  }
}

}  // namespace
}  // namespace torchere
