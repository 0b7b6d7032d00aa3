// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "server/frontend/grpc/timers.h"
#include "server/request/bytes.h"
#include "server/request/model_ref.h"
#include "server/request/request.h"
#include "server/request/ticket.h"

namespace torchere {

class Call;

// Is told how a streaming call goes on. On the completion queue's thread: must
// not block.
class CallObserver {
 public:
  // What the last Read() has brought.
  virtual void MessageCame(Bytes message) = 0;
  // Nothing will come any more: the last Read() has met the end.
  virtual void NoMoreMessages() = 0;
  // The message of the last Write has been taken: the next may be written.
  virtual void Written() = 0;
  // The server ends: the call is to take nothing new, and to end soon.
  virtual void Drain() = 0;
  // The call is over, whoever ended it. The last that is heard of it.
  virtual void Ended() = 0;

 protected:
  ~CallObserver() = default;
};

// A hold on a call that has not been answered by its holder yet. Thread-safe in
// that the first who ends a call wins: the rest does nothing.
class CallRef {
 public:
  CallRef() = default;
  explicit CallRef(Call& call);
  CallRef(CallRef&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  CallRef& operator=(CallRef&& other) noexcept {
    if (this != &other) {
      LetGo();
      call_ = std::exchange(other.call_, nullptr);
    }
    return *this;
  }
  ~CallRef() { LetGo(); }

  // Ends the call with its one answer. The model and the ticket are held until
  // the answer has been sent.
  void Finish(const Bytes& answer, ModelRef model = {}, Ticket ticket = {});

  // Ends the call with an error, or a stream without one.
  void Finish(const absl::Status& status);

  // Sends one message of a stream; the next after Written(). With `more_follow`
  // it may wait a moment, to share a packet with those.
  void Write(const Bytes& message, bool more_follow = false);

  // True once the caller has gone, or has been answered.
  bool ended() const;

  // The rest is of the completion queue's thread.

  // `observer` must live until Ended().
  void Observe(CallObserver& observer);

  // Reads one message, of a method that reads its messages itself; the next
  // after it has come.
  void Read();

  // The call's context, as one of a request that arrives now.
  Context NewContext() const;

  Timers& timers() const;

  // Something was given up that may still wait in a queue.
  void NoteDead() const;

 private:
  void LetGo();

  Call* call_ = nullptr;
};

}  // namespace torchere
