// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace torchere {

// What LibTorch has no name for in the OpenMP library that it has brought, looked up
// there: linking one could add a second (docs/adr/0008).

// Makes threads that wait for others in a run sleep soon: GCC's library lets them
// spin for some 10 ms of CPU time, unless it has more threads than there are CPUs;
// where two share a core, a run then takes twenty times as long. So the calling
// thread is given one thread a CPU besides itself, which sleep as long as it lives.
void MakeOpenMpPatient();

// Whether EndTeam does anything.
bool CanEndTeam();

// Ends the threads that the calling thread's operations have had besides it. Left
// alone they spin after each run, and then sleep, to be woken on the caller's core.
void EndTeam();

}  // namespace torchere
