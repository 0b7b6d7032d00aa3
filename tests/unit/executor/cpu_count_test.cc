// SPDX-License-Identifier: Apache-2.0
#include "server/executor/cpu_count.h"

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

TEST_CASE("UsableCores is at least 1 and heeds the cgroup's quota") {
  TempFolder cgroup;
  const int all = UsableCores(cgroup.Path());
  CHECK(all >= 1);
  SECTION("version 2: half a core counts as one") {
    cgroup.Write("cpu.max", "50000 100000\n");
    CHECK(UsableCores(cgroup.Path()) == 1);
  }
  SECTION("version 2 without a quota") {
    cgroup.Write("cpu.max", "max 100000\n");
    CHECK(UsableCores(cgroup.Path()) == all);
  }
  SECTION("version 1") {
    cgroup.Write("cpu/cpu.cfs_quota_us", "100000\n");
    cgroup.Write("cpu/cpu.cfs_period_us", "100000\n");
    CHECK(UsableCores(cgroup.Path()) == 1);
  }
  SECTION("version 1 without a quota") {
    cgroup.Write("cpu/cpu.cfs_quota_us", "-1\n");
    cgroup.Write("cpu/cpu.cfs_period_us", "100000\n");
    CHECK(UsableCores(cgroup.Path()) == all);
  }
}

}  // namespace
}  // namespace torchere
