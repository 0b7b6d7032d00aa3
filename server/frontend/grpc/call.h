// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_context.h>

#include <atomic>
#include <string>

#include "server/base/clock.h"
#include "server/frontend/grpc/call_host.h"
#include "server/frontend/grpc/call_ref.h"
#include "server/frontend/grpc/completion_tag.h"
#include "server/frontend/grpc/timers.h"
#include "server/request/request.h"

namespace torchere {

// One RPC, from the moment its headers are awaited to the end of its last
// event. It is accepted by its headers alone: its message is read only when the
// method's gate has let it in. Whoever ends it first (method, deadline, caller)
// answers; what comes later is dropped. It deletes itself.
class Call final : private Timed {
 public:
  // Waits for the next call that comes to `host`.
  static void Await(CallHost& host) { new Call(host); }

 private:
  friend class CallRef;

  // A tag that calls F.
  template <void (Call::*F)(bool)>
  struct On final : CompletionTag {
    explicit On(Call* owner) : call(owner) {}
    void Happened(bool ok) override { (call->*F)(ok); }
    Call* const call;
  };

  explicit Call(CallHost& host);
  ~Call();

  // Events, on the completion queue's thread.
  void Arrived(bool ok);
  void HeadersSent(bool ok);
  void MessageRead(bool ok);
  void MessageWritten(bool ok);
  void Done(bool ok);
  void Finished(bool ok);

  // How large its message may be, and how large it was. (Its caller's name costs
  // more than either: it is asked for only where it matters.)
  int64_t ExpectedBytes() const;
  void NoteBytes(int64_t bytes);

  // What its endpoint answers.
  const MethodTable& Methods() const;
  // Looks the method up and lets the call in, or says why not.
  absl::Status Admit();
  void Observe(CallObserver& observer);
  void StartStream();
  void Read();
  // The ticket takes the message's true size, if that may be.
  absl::Status Resize(int64_t bytes);
  void StartMethod();
  // The message that has been read, for as long as nobody else has it.
  Bytes TakeMessage();

  // Looks whether it has taken too long to come, to be answered or to be taken,
  // and when to look again.
  void TimeOut() override;
  void SetTimer(Time at);
  // What it must not last beyond, as long as it has not ended.
  Time Limit() const;

  // True for the first who calls it.
  bool End() { return !ended_.exchange(true); }
  // A message or the end goes out: the caller's time to take it begins.
  void NoteSending() { sending_since_ = Now(); }
  // Ends the call with an error, unless it has ended.
  bool FinishIfFirst(const absl::Status& status);
  void Hold() { holds_.fetch_add(1, std::memory_order_relaxed); }
  void LetGo();

  CallHost& host_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
  grpc::ByteBuffer message_;

  bool has_arrived_ = false;
  // Set once it has arrived.
  Method* method_ = nullptr;
  Context request_context_;
  Time timer_ = kNever;
  bool has_started_ = false;

  // Kept until the answer has been sent.
  Ticket ticket_;
  ModelRef model_;

  CallObserver* observer_ = nullptr;
  std::atomic<bool> ended_ = false;
  // kNever while nothing is under way to the caller.
  std::atomic<Time> sending_since_ = kNever;
  // Pending tags and CallRefs; the last that goes deletes the call.
  std::atomic<int> holds_ = 1;

  On<&Call::Arrived> arrived_{this};
  On<&Call::HeadersSent> headers_sent_{this};
  On<&Call::MessageRead> message_read_{this};
  On<&Call::MessageWritten> message_written_{this};
  On<&Call::Done> done_{this};
  On<&Call::Finished> finished_{this};
};

}  // namespace torchere
