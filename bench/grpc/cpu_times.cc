// SPDX-License-Identifier: Apache-2.0
#include "bench/grpc/cpu_times.h"

#include <time.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace torchere::bench {
namespace {

double Seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Finer than /proc/PID/stat, which counts ticks of 10 ms.
double ProcessSeconds(int pid) {
  clockid_t clock{};
  return clock_getcpuclockid(pid, &clock) == 0 ? Seconds(clock) : 0;
}

double MachineSeconds() {
  std::ifstream stat("/proc/stat");
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft_irq = 0;
  stat >> name >> user >> nice >> system >> idle >> wait >> irq >> soft_irq;
  return (user + nice + system + irq + soft_irq) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

CpuTimes ReadCpuTimes(const std::vector<int>& pids) {
  CpuTimes times;
  for (const int pid : pids) times.server += ProcessSeconds(pid);
  times.client = Seconds(CLOCK_PROCESS_CPUTIME_ID);
  times.machine = MachineSeconds();
  return times;
}

CpuTimes operator-(const CpuTimes& later, const CpuTimes& earlier) {
  return {later.server - earlier.server, later.client - earlier.client,
          later.machine - earlier.machine};
}

}  // namespace torchere::bench
