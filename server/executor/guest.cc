// SPDX-License-Identifier: Apache-2.0
#include "server/executor/guest.h"

namespace torchere {

Guest::Guest(DevicePool& pool) : pool_(pool), context_(pool.backend_.StartWorker(pool.device_)) {
  pool_.SetGuest(this);
}

Guest::~Guest() { pool_.SetGuest(nullptr); }

void Guest::RunBatch() { has_work_ = pool_.RunForGuest(*context_); }

}  // namespace torchere
