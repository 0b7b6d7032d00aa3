// SPDX-License-Identifier: Apache-2.0
#include "server/app/memory_size.h"

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

TEST_CASE("UsableMemoryBytes heeds the cgroup's limit") {
  TempFolder cgroup;
  const int64_t machine = UsableMemoryBytes(cgroup.Path());
  CHECK(machine > int64_t{64} << 20);
  SECTION("version 2") {
    cgroup.Write("memory.max", "1048576\n");
    CHECK(UsableMemoryBytes(cgroup.Path()) == 1048576);
  }
  SECTION("version 2 without a limit") {
    cgroup.Write("memory.max", "max\n");
    CHECK(UsableMemoryBytes(cgroup.Path()) == machine);
  }
  SECTION("version 1") {
    cgroup.Write("memory/memory.limit_in_bytes", "2097152\n");
    CHECK(UsableMemoryBytes(cgroup.Path()) == 2097152);
  }
}

}  // namespace
}  // namespace torchere
