// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace torchere {

// Every tag on the completion queue is one of these.
class CompletionTag {
 public:
  // On the queue's thread; `ok` is what gRPC says of the event.
  virtual void Happened(bool ok) = 0;

 protected:
  ~CompletionTag() = default;
};

}  // namespace torchere
