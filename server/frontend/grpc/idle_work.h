// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace torchere {

// What the completion queue's thread does while no event waits for it. Made,
// used and ended on that thread.
class IdleWork {
 public:
  virtual ~IdleWork() = default;

  // Whether there is something to do.
  virtual bool waits() const = 0;

  // Does a part of it; every event waits meanwhile, so it must be short.
  virtual void Do() = 0;
};

}  // namespace torchere
