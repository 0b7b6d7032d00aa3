// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/predict_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/frontend/torchere_v1/submit_predict.h"
#include "server/request/error.h"

namespace torchere {

void PredictStream::Begin(Pipeline& pipeline, Gate& gate, Incoming call) {
  const auto stream = std::make_shared<PredictStream>(pipeline, gate, std::move(call));
  stream->self_ = stream;
  stream->call_.Observe(*stream);
  stream->GoOn();
}

PredictStream::PredictStream(Pipeline& pipeline, Gate& gate, Incoming call)
    : pipeline_(pipeline),
      gate_(gate),
      ticket_(std::move(call.ticket)),
      call_(std::move(call.call)) {}

void PredictStream::GoOn() {
  if (end_) {
    if (outstanding_ == 0) call_.Finish(*end_);
    return;
  }
  if (reading_ || outstanding_ >= kMaxOutstanding) return;
  reading_ = true;
  call_.Read();
}

void PredictStream::MessageCame(Bytes bytes) {
  reading_ = false;
  const auto size = static_cast<int64_t>(bytes.size());
  const absl::StatusOr<StreamMessage> message = DecodeStreamMessage(bytes);
  if (!message.ok()) return EndWith(message.status());
  if (message->error.ok() && message->is_cancel) {
    Cancel(message->id);
  } else {
    Accept(*message, size);
  }
  GoOn();
}

void PredictStream::Accept(const StreamMessage& message, int64_t bytes) {
  ++outstanding_;
  const auto request = std::make_shared<StreamedRequest>(message.id, shared_from_this());
  auto& known = by_id_[message.id];
  if (known != nullptr && !known->answered()) {
    request->Fail(Refuse(
        absl::StatusCode::kInvalidArgument,
        absl::StrCat("id ", message.id, " is in use: its request has not been ", "answered yet"),
        {.reason = "ID_IN_USE"}));
    return;
  }
  if (known != nullptr) known->ClearTimer();
  known = request;
  if (!message.error.ok()) {
    request->Fail(message.error);
  } else if (end_) {
    request->Fail(*end_);
  } else {
    Submit(message, bytes, *request);
  }
}

void PredictStream::Submit(const StreamMessage& message, int64_t bytes, StreamedRequest& request) {
  absl::StatusOr<Ticket> ticket = gate_.Enter(bytes);
  if (!ticket.ok()) {
    request.Fail(ticket.status());
    return;
  }
  Context context = call_.NewContext();
  if (message.timeout != Duration::max()) {
    const Time until = context.arrived + message.timeout;
    if (until < context.deadline) {
      context.deadline = until;
      request.SetTimer(until);
    }
  }
  SubmitPredict(pipeline_, message.predict, context, *std::move(ticket), request.reply());
}

void PredictStream::Cancel(uint64_t id) {
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return;
  if (known->second->Fail(Refuse(absl::StatusCode::kCancelled, "the request was cancelled",
                                 {.reason = "CANCELLED"}))) {
    NoteDead();
  }
}

void PredictStream::Send(const std::shared_ptr<StreamedRequest>& request) {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    outbox_.push_back(request);
    if (outbox_.size() > 1) return;
  }
  // Nobody else writes until Written() has come for this one.
  call_.Write(request->wire());
}

PredictStream::Turn PredictStream::NextTurn() {
  Turn turn;
  MutexLock lock(mutex_);
  turn.written = std::move(outbox_.front());
  outbox_.pop_front();
  if (!outbox_.empty()) turn.next = outbox_.front();
  turn.more_follow = outbox_.size() > 1;
  return turn;
}

void PredictStream::Written() {
  const Turn turn = NextTurn();
  if (turn.next != nullptr) call_.Write(turn.next->wire(), turn.more_follow);
  turn.written->ClearTimer();
  const auto known = by_id_.find(turn.written->id());
  if (known != by_id_.end() && known->second == turn.written) by_id_.erase(known);
  --outstanding_;
  GoOn();
}

void PredictStream::NoMoreMessages() { EndWith(absl::OkStatus()); }

void PredictStream::Drain() {
  EndWith(Refuse(absl::StatusCode::kUnavailable, "the server is shutting down",
                 {.reason = "DRAINING"}));
}

void PredictStream::EndWith(absl::Status status) {
  if (!end_) end_ = std::move(status);
  GoOn();
}

void PredictStream::Ended() {
  std::deque<std::shared_ptr<StreamedRequest>> unsent;  // ends after the lock
  {
    MutexLock lock(mutex_);
    closed_ = true;
    unsent.swap(outbox_);
  }
  for (const auto& [id, request] : by_id_) request->ClearTimer();
  by_id_.clear();
  const std::shared_ptr<PredictStream> last = std::move(self_);
}

}  // namespace torchere
