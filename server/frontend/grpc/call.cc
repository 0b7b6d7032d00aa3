// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/call.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/frontend/grpc/byte_buffer.h"
#include "server/frontend/grpc/method.h"
#include "server/frontend/grpc/status_map.h"
#include "server/request/error.h"

namespace torchere {
namespace {

// The caller's wall-clock deadline on our steady clock.
Time DeadlineOf(const grpc::ServerContext& context, Time now) {
  const gpr_timespec deadline = context.raw_deadline();
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  // Further away than this is never: in nanoseconds it might not fit 64 bits.
  constexpr int64_t kFarSeconds = int64_t{365} * 24 * 3600;
  if (left.tv_sec > kFarSeconds) return kNever;
  return now + std::chrono::seconds(left.tv_sec) + std::chrono::nanoseconds(left.tv_nsec);
}

absl::Status UnknownMethod(const std::string& method) {
  return Refuse(absl::StatusCode::kUnimplemented,
                absl::StrCat("no method '", method, "' is served on this port"),
                {.reason = "METHOD_UNKNOWN", .metadata = {{"method", method}}});
}

absl::Status TooLate(bool has_started) {
  return Refuse(absl::StatusCode::kDeadlineExceeded,
                has_started ? "the call's deadline passed before it was answered"
                            : "the call's time passed before its message had come",
                {.reason = "DEADLINE_EXCEEDED"});
}

absl::Status NoMessage() {
  return Refuse(absl::StatusCode::kInvalidArgument, "the call ended without a message",
                {.reason = "MALFORMED_MESSAGE"});
}

}  // namespace

Call::Call(CallHost& host) : host_(host) {
  context_.AsyncNotifyWhenDone(&done_);
  host_.service.RequestCall(&context_, &stream_, host_.queue, host_.queue, &arrived_);
}

Call::~Call() {
  if (has_arrived_) host_.calls.Remove();
}

void Call::LetGo() {
  if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void Call::Arrived(bool ok) {
  if (!ok) return LetGo();  // the server ends; Done will not come
  if (!host_.closed) Await(host_);
  has_arrived_ = true;
  host_.calls.Add();
  // The hold of this tag is from now on that of Done.
  request_context_.arrived = Now();
  request_context_.id = ++host_.next_id;
  request_context_.deadline = DeadlineOf(context_, request_context_.arrived);
  if (absl::Status status = Admit(); !status.ok()) {
    FinishIfFirst(status);
    return;
  }
  SetTimer(std::min(Limit(), request_context_.arrived + host_.answer_time));
  if (method_->reads_messages()) return StartStream();
  Read();
}

int64_t Call::ExpectedBytes() const {
  return host_.sizes.empty() ? MessageSizes::kLeast : host_.sizes.Expected(context_.peer());
}

void Call::NoteBytes(int64_t bytes) {
  if (bytes <= MessageSizes::kLeast && host_.sizes.empty()) return;
  host_.sizes.Note(context_.peer(), bytes);
}

const MethodTable& Call::Methods() const {
  static const MethodTable kNone;
  if (host_.callers.all_at_first()) return host_.methods.front();
  const std::optional<size_t> endpoint = host_.callers.EndpointOf(context_.peer());
  return endpoint ? host_.methods[*endpoint] : kNone;
}

absl::Status Call::Admit() {
  const MethodTable& methods = Methods();
  const auto method = methods.find(context_.method());
  if (method == methods.end()) return UnknownMethod(context_.method());
  if (host_.draining) {
    return Refuse(absl::StatusCode::kUnavailable, "the server is shutting down",
                  {.reason = "DRAINING"});
  }
  if (request_context_.deadline <= request_context_.arrived) return TooLate(false);
  method_ = method->second.get();
  TORCHERE_ASSIGN_OR_RETURN(
      ticket_, method_->gate().Enter(std::min(ExpectedBytes(), method_->most_bytes())));
  return absl::OkStatus();
}

Time Call::Limit() const {
  if (has_started_) return request_context_.deadline;
  return std::min(request_context_.deadline, request_context_.arrived + host_.message_time);
}

void Call::SetTimer(Time at) {
  timer_ = at;
  host_.timers.Set(timer_, *this);
}

// The headers go out first: two that write at the same time must not both find
// that they have to send them.
void Call::StartStream() {
  has_started_ = true;
  Hold();
  stream_.SendInitialMetadata(&headers_sent_);
  method_->Start({{}, request_context_, std::move(ticket_), CallRef(*this)});
}

void Call::HeadersSent(bool) { LetGo(); }

void Call::Observe(CallObserver& observer) {
  observer_ = &observer;
  host_.observers.insert(&observer);
}

void Call::Read() {
  Hold();
  stream_.Read(&message_, &message_read_);
}

void Call::MessageRead(bool ok) {
  if (ended_) {
    message_.Clear();
  } else if (observer_ != nullptr) {
    if (ok) {
      observer_->MessageCame(TakeMessage());
    } else {
      observer_->NoMoreMessages();
    }
  } else if (!ok) {
    FinishIfFirst(NoMessage());
  } else {
    StartMethod();
  }
  LetGo();
}

Bytes Call::TakeMessage() {
  Bytes bytes = ToBytes(message_);
  message_.Clear();
  return bytes;
}

absl::Status Call::Resize(int64_t bytes) {
  const int64_t most = method_->most_bytes();
  if (bytes <= most) return ticket_.Resize(bytes);
  return Refuse(absl::StatusCode::kInvalidArgument,
                absl::StrCat("the message has ", bytes, " bytes; ", context_.method(),
                             " takes at most ", most),
                {.reason = "LIMIT_EXCEEDED", .metadata = {{"limit", absl::StrCat(most)}}});
}

void Call::StartMethod() {
  has_started_ = true;
  request_context_.arrived = Now();
  const auto size = static_cast<int64_t>(message_.Length());
  if (absl::Status status = Resize(size); !status.ok()) {
    message_.Clear();
    FinishIfFirst(status);
    return;
  }
  // Only what was taken: a refused size must not keep its caller out later.
  NoteBytes(size);
  method_->Start({TakeMessage(), request_context_, std::move(ticket_), CallRef(*this)});
}

void Call::MessageWritten(bool ok) {
  if (!ended_) sending_since_ = kNever;
  // What could not be written will end by Done.
  if (ok && observer_ != nullptr && !ended_) observer_->Written();
  LetGo();
}

// The timer was set when the call arrived and is looked at seldom, so that it
// costs nothing more while the call goes on as it should.
void Call::TimeOut() {
  timer_ = kNever;
  const Time now = Now();
  if (!ended_ && now >= Limit() && FinishIfFirst(TooLate(has_started_))) host_.has_dead = true;
  const bool ended = ended_;
  // Who ended it may be about to say since when; it is about now.
  if (ended && sending_since_.load() == kNever) sending_since_ = now;
  const Time since = sending_since_;
  if (since != kNever && now >= since + host_.answer_time) return context_.TryCancel();
  const Time again = std::min(since, now) + host_.answer_time;
  SetTimer(ended ? again : std::min(Limit(), again));
}

void Call::Done(bool) {
  if (End()) host_.has_dead = true;  // the caller has gone
  host_.timers.Clear(timer_, *this);
  timer_ = kNever;
  if (observer_ != nullptr) {
    host_.observers.erase(observer_);
    std::exchange(observer_, nullptr)->Ended();
  }
  LetGo();
}

void Call::Finished(bool) {
  ticket_ = {};
  model_ = {};
  LetGo();
}

bool Call::FinishIfFirst(const absl::Status& status) {
  if (!End()) return false;
  Hold();
  NoteSending();
  stream_.Finish(ToGrpcStatus(status), &finished_);
  return true;
}

}  // namespace torchere
