// SPDX-License-Identifier: Apache-2.0
#include "server/batching/request_parts.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "server/base/mutex.h"
#include "server/request/error.h"
#include "server/request/rows.h"

namespace torchere {
namespace {

// What the parts of one request share. Ends, and answers, with the last of them.
class Whole {
 public:
  Whole(Request request, size_t parts) : request_(std::move(request)), answers_(parts) {}

  ~Whole() { request_.reply.Send(Join()); }

  const Request& request() const { return request_; }

  // Each part's answer is its own place, so only the error needs the lock.
  void Answer(size_t part, absl::StatusOr<Response> answer) {
    if (answer.ok()) {
      answers_[part] = *std::move(answer);
      return;
    }
    failed_ = true;
    MutexLock lock(mutex_);
    if (error_.ok()) error_ = answer.status();
  }

  bool abandoned() const { return failed_ || request_.reply.abandoned(); }

 private:
  absl::Status error() const {
    MutexLock lock(mutex_);
    return error_;
  }

  absl::StatusOr<Response> Join() {
    if (absl::Status status = error(); !status.ok()) return status;
    Response joined = std::move(*answers_.front());
    for (size_t i = 0; i < joined.outputs.size(); ++i) {
      NamedValue& output = joined.outputs[i];
      std::vector<const Value*> parts;
      for (const auto& answer : answers_) {
        const bool first = &answer == &answers_.front();
        parts.push_back(first ? &output.value : &answer->outputs.at(i).value);
      }
      std::optional<Value> value = JoinRows(parts, OutputType(*request_.method, output.name));
      if (!value) {
        return Refuse(absl::StatusCode::kInternal,
                      absl::StrCat("output '", output.name,
                                   "' differs between the parts that the request ran in"),
                      {.reason = "MODEL_FAILED"});
      }
      output.value = *std::move(value);
    }
    for (size_t i = 1; i < answers_.size(); ++i) {
      const Timing& timing = answers_[i]->timing;
      joined.timing.queue = std::min(joined.timing.queue, timing.queue);
      joined.timing.compute += timing.compute;
      joined.timing.total = std::max(joined.timing.total, timing.total);
      joined.timing.batch_rows = std::max(joined.timing.batch_rows, timing.batch_rows);
    }
    joined.ticket = std::move(request_.ticket);
    return joined;
  }

  Request request_;
  std::vector<std::optional<Response>> answers_;
  std::atomic<bool> failed_ = false;
  mutable Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

// The answer to one part. Deletes itself with it.
class Part final : public ReplyTo {
 public:
  Part(std::shared_ptr<Whole> whole, size_t index) : whole_(std::move(whole)), index_(index) {}

  void Answer(absl::StatusOr<Response> answer) override {
    const std::unique_ptr<Part> self(this);
    whole_->Answer(index_, std::move(answer));
  }
  bool abandoned() const override { return whole_->abandoned(); }

 private:
  const std::shared_ptr<Whole> whole_;
  const size_t index_;
};

}  // namespace

std::vector<Request> SplitRequest(Request request, int64_t max_rows) {
  const int64_t rows = request.rows;
  const auto count = static_cast<size_t>((rows + max_rows - 1) / max_rows);
  const Arguments arguments = std::exchange(request.arguments, {});
  const auto whole = std::make_shared<Whole>(std::move(request), count);
  const Request& original = whole->request();
  std::vector<Request> parts;
  for (size_t i = 0; i < count; ++i) {
    const int64_t first = static_cast<int64_t>(i) * max_rows;
    Request& part = parts.emplace_back();
    part.rows = std::min(max_rows, rows - first);
    part.arguments = SliceRows(arguments, first, part.rows);
    part.outputs = original.outputs;
    part.request_id = original.request_id;
    part.context = original.context;
    part.served = original.served;
    part.model_ref = original.model_ref.Share();
    part.method = original.method;
    part.reply = Reply(*new Part(whole, i));
  }
  return parts;
}

}  // namespace torchere
