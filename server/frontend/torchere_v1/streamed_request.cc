// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/streamed_request.h"

#include <utility>

#include "server/frontend/torchere_v1/predict_stream.h"
#include "server/frontend/torchere_v1/stream_codec.h"
#include "server/request/error.h"

namespace torchere {

StreamedRequest::StreamedRequest(uint64_t id, std::shared_ptr<PredictStream> stream)
    : id_(id), stream_(std::move(stream)) {}

Reply StreamedRequest::reply() {
  self_ = shared_from_this();
  return Reply(*this);
}

bool StreamedRequest::Fail(const absl::Status& status) {
  if (answered_.exchange(true)) return false;
  wire_ = EncodeStreamError(id_, status);
  stream_->Send(shared_from_this());
  return true;
}

void StreamedRequest::Answer(absl::StatusOr<Response> answer) {
  const std::shared_ptr<StreamedRequest> self = std::move(self_);
  if (!answer.ok()) {
    Fail(answer.status());
    return;
  }
  if (answered_.exchange(true)) return;
  wire_ = EncodeStreamResponse(id_, *answer);
  model_ = std::move(answer->model_ref);
  ticket_ = std::move(answer->ticket);
  stream_->Send(self);
}

bool StreamedRequest::abandoned() const { return answered_ || stream_->ended(); }

void StreamedRequest::SetTimer(Time at) {
  timer_ = at;
  stream_->timers().Set(timer_, *this);
}

void StreamedRequest::ClearTimer() {
  stream_->timers().Clear(timer_, *this);
  timer_ = kNever;
}

void StreamedRequest::TimeOut() {
  timer_ = kNever;
  if (Fail(Refuse(absl::StatusCode::kDeadlineExceeded,
                  "the request's timeout passed before it was answered",
                  {.reason = "DEADLINE_EXCEEDED"}))) {
    stream_->NoteDead();
  }
}

}  // namespace torchere
