// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace torchere {

// How many cores this process may use, at least 1: the least of the CPU
// affinity and the cgroup's quota (cpu.max of cgroup v2, cpu.cfs_* of v1),
// rounded up. The cgroup is the one at `cgroup_root`, which is a container's own.
int UsableCores(const std::string& cgroup_root = "/sys/fs/cgroup");

}  // namespace torchere
