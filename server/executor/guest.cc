// SPDX-License-Identifier: Apache-2.0
#include "server/executor/guest.h"

namespace torchere {

Guest::Guest(DevicePool& pool) : pool_(pool), context_(pool.backend_.StartWorker(pool.device_)) {
  context_->UseThreads(pool_.cores_.own);
  pool_.SetGuest(this);
}

Guest::~Guest() { pool_.SetGuest(nullptr); }

void Guest::RunBatch() {
  has_work_ = false;
  // What is submitted meanwhile, on this thread, has set it by then.
  if (pool_.RunForGuest(*context_)) has_work_ = true;
}

}  // namespace torchere
