// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/frontend/grpc/timers.h"
#include "server/request/bytes.h"
#include "server/request/reply.h"

namespace torchere {

class PredictStream;

// The wire's side of one request of a stream, until its answer has been taken.
// Answered once, by whoever comes first: the model (from any thread), its time,
// its caller's cancel, or a refusal; what comes later is dropped.
class StreamedRequest final : public ReplyTo,
                              public Timed,
                              public std::enable_shared_from_this<StreamedRequest> {
 public:
  StreamedRequest(uint64_t id, std::shared_ptr<PredictStream> stream);

  uint64_t id() const { return id_; }
  bool answered() const { return answered_; }

  // The right to answer it; to be taken once. Keeps it alive until then.
  Reply reply();

  // Answers with an error; false if it has been answered.
  bool Fail(const absl::Status& status);

  // The PredictStreamResponse, once the stream has been given it to send.
  const Bytes& wire() const { return wire_; }

  // Sets, and clears, its timer, on the completion queue's thread. It must be
  // cleared before the request ends.
  void SetTimer(Time at);
  void ClearTimer();

 private:
  void Answer(absl::StatusOr<Response> answer) override;
  bool abandoned() const override;
  void TimeOut() override;

  const uint64_t id_;
  const std::shared_ptr<PredictStream> stream_;
  Time timer_ = kNever;
  std::atomic<bool> answered_ = false;
  // As long as a Reply points here.
  std::shared_ptr<StreamedRequest> self_;

  // Of who answers, then of the stream.
  Bytes wire_;
  ModelRef model_;
  Ticket ticket_;
};

}  // namespace torchere
