// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/call_ref.h"

#include <utility>

#include "server/frontend/grpc/byte_buffer.h"
#include "server/frontend/grpc/call.h"

namespace torchere {

CallRef::CallRef(Call& call) : call_(&call) { call.Hold(); }

void CallRef::LetGo() {
  if (call_ != nullptr) call_->LetGo();
}

void CallRef::Finish(const Bytes& answer, ModelRef model, Ticket ticket) {
  if (!call_->End()) return;
  call_->model_ = std::move(model);
  call_->ticket_ = std::move(ticket);
  call_->Hold();
  call_->NoteSending();
  call_->stream_.WriteAndFinish(ToByteBuffer(answer), grpc::WriteOptions(), grpc::Status::OK,
                                &call_->finished_);
}

void CallRef::Finish(const absl::Status& status) { call_->FinishIfFirst(status); }

void CallRef::Write(const Bytes& message, bool more_follow) {
  // Nothing may follow the end; Done will say that it has come.
  if (call_->ended_) return;
  grpc::WriteOptions options;
  if (more_follow) options.set_buffer_hint();
  call_->Hold();
  call_->NoteSending();
  call_->stream_.Write(ToByteBuffer(message), options, &call_->message_written_);
}

bool CallRef::ended() const { return call_->ended_; }

void CallRef::Observe(CallObserver& observer) { call_->Observe(observer); }

void CallRef::Read() { call_->Read(); }

Context CallRef::NewContext() const {
  Context context = call_->request_context_;
  context.id = ++call_->host_.next_id;
  context.arrived = Now();
  return context;
}

Timers& CallRef::timers() const { return call_->host_.timers; }

void CallRef::NoteDead() const { call_->host_.has_dead = true; }

}  // namespace torchere
