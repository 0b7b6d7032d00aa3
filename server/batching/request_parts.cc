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

constexpr size_t kManyPieces = 64;

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
    MutexLock lock(mutex_);
    if (error_.ok()) error_ = answer.status();
    // Only now: what is then abandoned answers with another error.
    failed_ = true;
  }

  bool abandoned() const { return failed_ || request_.reply.abandoned(); }

 private:
  absl::Status error() const {
    MutexLock lock(mutex_);
    return error_;
  }

  static absl::Status Differ(const std::string& what) {
    return Refuse(absl::StatusCode::kInternal,
                  absl::StrCat(what, " between the parts that the request ran in"),
                  {.reason = "MODEL_FAILED"});
  }

  absl::StatusOr<Response> Join() {
    if (absl::Status status = error(); !status.ok()) return status;
    Response joined = std::move(answers_.front());
    const size_t outputs = joined.outputs.size();
    for (size_t i = 1; i < answers_.size(); ++i) {
      if (answers_[i].outputs.size() != outputs) return Differ("the number of outputs differs");
      AddTiming(answers_[i].timing, joined.timing);
    }
    for (size_t i = 0; i < outputs; ++i) {
      NamedValue& output = joined.outputs[i];
      std::vector<const Value*> parts = {&output.value};
      for (size_t k = 1; k < answers_.size(); ++k) {
        parts.push_back(&answers_[k].outputs[i].value);
      }
      std::optional<Value> value = JoinRows(parts, OutputType(*request_.method, output.name));
      if (!value) return Differ(absl::StrCat("output '", output.name, "' differs"));
      output.value = *std::move(value);
    }
    joined.ticket = std::move(request_.ticket);
    return joined;
  }

  static void AddTiming(const Timing& part, Timing& whole) {
    whole.queue = std::min(whole.queue, part.queue);
    whole.compute += part.compute;
    whole.total = std::max(whole.total, part.total);
    whole.batch_rows = std::max(whole.batch_rows, part.batch_rows);
  }

  Request request_;
  std::vector<Response> answers_;
  std::atomic<bool> failed_ = false;
  mutable Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

// Brings the bytes of a tensor that came in many pieces together: each part would
// else look for its own from the first piece on.
void Flatten(std::optional<Value>& argument) {
  auto* const tensor = argument ? std::get_if<Tensor>(&argument->kind) : nullptr;
  if (tensor == nullptr || tensor->data.pieces().size() <= kManyPieces) return;
  tensor->data = Bytes(tensor->data.ToString());
}

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
  Arguments arguments = std::exchange(request.arguments, {});
  for (std::optional<Value>& argument : arguments) Flatten(argument);
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
    part.priority = original.priority;
    part.context = original.context;
    part.served = original.served;
    part.model_ref = original.model_ref.Share();
    part.method = original.method;
    part.reply = Reply(*new Part(whole, i));
  }
  return parts;
}

}  // namespace torchere
