// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace torchere {

// How many bytes of memory this process may use: the least of the machine's and
// the limit of the cgroup at `cgroup_root` (memory.max of cgroup v2,
// memory.limit_in_bytes of v1), which is a container's own.
int64_t UsableMemoryBytes(const std::string& cgroup_root = "/sys/fs/cgroup");

}  // namespace torchere
