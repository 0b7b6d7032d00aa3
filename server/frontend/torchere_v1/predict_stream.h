// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "server/admission/gate.h"
#include "server/base/mutex.h"
#include "server/frontend/grpc/method.h"
#include "server/frontend/torchere_v1/stream_codec.h"
#include "server/frontend/torchere_v1/streamed_request.h"
#include "server/pipeline/pipeline.h"

namespace torchere {

// One PredictStream call: reads its messages, sends each request on its way and
// the answers back, as they are ready, one write at a time. Everything but
// Send() is of the completion queue's thread. It holds itself until the call is
// over; its requests hold it until they are answered.
class PredictStream final : public CallObserver,
                            public std::enable_shared_from_this<PredictStream> {
 public:
  // Requests whose answer has not been taken. With so many nothing more is
  // read: a caller that takes no answers cannot fill memory.
  static constexpr int kMaxOutstanding = 64;

  // Every request has to pass `gate`, which must outlive it, as `pipeline` must.
  static void Begin(Pipeline& pipeline, Gate& gate, Incoming call);

  PredictStream(Pipeline& pipeline, Gate& gate, Incoming call);

  // Sends the answer of a request that has one. Thread-safe.
  void Send(const std::shared_ptr<StreamedRequest>& request);

  // For its requests.
  bool ended() const { return call_.ended(); }
  Timers& timers() const { return call_.timers(); }
  void NoteDead() const { call_.NoteDead(); }

 private:
  void MessageCame(Bytes message) override;
  void NoMoreMessages() override;
  void Written() override;
  void Drain() override;
  void Ended() override;

  void Accept(const StreamMessage& message, int64_t bytes);
  void Submit(const StreamMessage& message, int64_t bytes, StreamedRequest& request);
  void Cancel(uint64_t id);
  // Reads no more; ends with `status` once all has been answered.
  void EndWith(absl::Status status);
  // Reads the next message, or ends the call, if it is time to.
  void GoOn();

  // Takes out the answer that has been written and gives the next, which is
  // then being written.
  struct Turn {
    std::shared_ptr<StreamedRequest> written, next;
    bool more_follow = false;
  };
  Turn NextTurn();

  Pipeline& pipeline_;
  Gate& gate_;
  // The stream's own place: for the message that is being read.
  Ticket ticket_;
  CallRef call_;
  std::shared_ptr<PredictStream> self_;

  bool reading_ = false;
  int outstanding_ = 0;
  std::optional<absl::Status> end_;
  // What has not been answered, and some of what has not been taken.
  absl::flat_hash_map<uint64_t, std::shared_ptr<StreamedRequest>> by_id_;

  Mutex mutex_;
  // Answered; the first is being written.
  std::deque<std::shared_ptr<StreamedRequest>> outbox_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace torchere
