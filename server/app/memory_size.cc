// SPDX-License-Identifier: Apache-2.0
#include "server/app/memory_size.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

namespace torchere {
namespace {

int64_t ReadLimit(const std::string& path) {
  std::ifstream file(path);
  int64_t limit = 0;
  // "max" where there is none: the read fails.
  return file >> limit && limit > 0 ? limit : std::numeric_limits<int64_t>::max();
}

}  // namespace

int64_t UsableMemoryBytes(const std::string& cgroup_root) {
  const int64_t machine = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return std::min({machine, ReadLimit(cgroup_root + "/memory.max"),
                   ReadLimit(cgroup_root + "/memory/memory.limit_in_bytes")});
}

}  // namespace torchere
