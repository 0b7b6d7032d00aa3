// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace torchere {

// How many cores this process may use, at least 1: the least of the CPU
// affinity and the cgroup's quota (cpu.max of cgroup v2, cpu.cfs_* of v1),
// rounded up. `cgroup_root` is where cgroups are mounted.
int UsableCores(const std::string& cgroup_root = "/sys/fs/cgroup");

}  // namespace torchere
