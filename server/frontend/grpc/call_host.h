// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>

#include <atomic>
#include <cstdint>
#include <set>
#include <vector>

#include "server/frontend/grpc/call_count.h"
#include "server/frontend/grpc/callers.h"
#include "server/frontend/grpc/message_sizes.h"
#include "server/frontend/grpc/method.h"
#include "server/frontend/grpc/timers.h"

namespace torchere {

// What the calls of one server share. Of the completion queue's thread, but for
// what is said to be atomic.
struct CallHost {
  grpc::AsyncGenericService service;
  grpc::ServerCompletionQueue* queue = nullptr;
  Callers callers;
  // By endpoint.
  std::vector<MethodTable> methods;
  Timers timers;
  MessageSizes sizes;
  // A call's message must have come so long after its headers.
  Duration message_time = std::chrono::seconds(60);
  // An answer, or a message of a stream, must have been taken by its caller so
  // long after it was given, whatever the deadline; else the call is cancelled.
  Duration answer_time = std::chrono::seconds(30);
  uint64_t next_id = 0;
  // Of the streaming calls that there are.
  std::set<CallObserver*> observers;
  // Set when a call was given up whose request may still wait in a queue.
  bool has_dead = false;
  // Set before the queue is shut down: no further call may be awaited.
  bool closed = false;
  std::atomic<bool> draining = false;
  CallCount calls;
};

}  // namespace torchere
