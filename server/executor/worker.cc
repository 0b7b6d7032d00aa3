// SPDX-License-Identifier: Apache-2.0
#include "server/executor/worker.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "server/base/clock.h"
#include "server/base/status_macros.h"
#include "server/request/error.h"
#include "server/request/rows.h"

namespace torchere {
namespace {

constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);

// Adds the model to the error.
absl::Status WithModel(const absl::Status& status, const ServedModel& served) {
  return Annotate(status,
                  absl::StrCat("model '", served.name, "' version ", served.version, ", method '",
                               served.method, "': "),
                  {{"model", served.name}, {"version", absl::StrCat(served.version)}});
}

// The same; an INTERNAL one is logged under the request's id, which its message
// then names.
absl::Status Explain(const absl::Status& status, const Request& request, Observer& observer) {
  const ServedModel& served = request.served;
  absl::Status explained = WithModel(status, served);
  if (status.code() != absl::StatusCode::kInternal) return explained;
  observer.RequestFailed(request.context.id, served.name, served.version, explained);
  const std::string id = absl::StrFormat("%016x", request.context.id);
  return Refuse(
      explained.code(),
      absl::StrCat(explained.message(), " (the server's log says more under id ", id, ")"), [&] {
        ErrorDetails details = DetailsOf(explained);
        details.metadata["id"] = id;
        return details;
      }());
}

// The outputs of a run, under the callers' names.
absl::StatusOr<NamedValues> Run(const MethodSignature& method, Arguments arguments,
                                LoadedModel& model, WorkerContext& context) {
  TORCHERE_ASSIGN_OR_RETURN(NamedValues outputs, model.Run(method, std::move(arguments), context));
  return NameOutputs(method, std::move(outputs));
}

// Runs one request alone.
absl::StatusOr<NamedValues> RunAlone(Request& request, LoadedModel& model, WorkerContext& context) {
  TORCHERE_ASSIGN_OR_RETURN(NamedValues outputs,
                            Run(*request.method, std::move(request.arguments), model, context));
  return PickOutputs(*request.method, std::move(outputs), request.outputs);
}

absl::Status NotByRows() {
  return Refuse(absl::StatusCode::kInternal, "an output does not go by the rows of the inputs",
                {.reason = "MODEL_FAILED"});
}

// A request's rows of what the whole batch returned; nothing where an output
// does not go by rows.
std::optional<NamedValues> OutputsOf(const MethodSignature& method, const NamedValues& outputs,
                                     int64_t rows, int64_t first, int64_t count) {
  NamedValues slices;
  slices.reserve(outputs.size());
  for (const auto& [name, value] : outputs) {
    auto slice = SliceRows(value, OutputType(method, name), rows, first, count);
    if (!slice) return std::nullopt;
    slices.push_back({name, *std::move(slice)});
  }
  return slices;
}

using Requests = absl::Span<Request>;
using AllOutputs = std::vector<absl::StatusOr<NamedValues>>;

// The outputs of each of the requests whose `rows` rows ran together.
absl::StatusOr<AllOutputs> TakeApart(absl::Span<const Request> requests, const NamedValues& outputs,
                                     int64_t rows) {
  const MethodSignature& method = *requests.front().method;
  AllOutputs all;
  all.reserve(requests.size());
  int64_t first = 0;
  for (const Request& request : requests) {
    auto slices = OutputsOf(method, outputs, rows, first, request.rows);
    if (!slices) return NotByRows();
    all.push_back(PickOutputs(method, *std::move(slices), request.outputs));
    first += request.rows;
  }
  return all;
}

Arguments StackAll(absl::Span<const Request> requests, int64_t rows) {
  std::vector<const Arguments*> arguments;
  arguments.reserve(requests.size());
  for (const Request& request : requests) arguments.push_back(&request.arguments);
  return Stack(arguments, rows);
}

// Runs the requests as `rows` rows: those that they lack are copies of the last.
absl::StatusOr<AllOutputs> RunTogether(absl::Span<const Request> requests, int64_t rows,
                                       LoadedModel& model, WorkerContext& context) {
  TORCHERE_ASSIGN_OR_RETURN(
      const NamedValues outputs,
      Run(*requests.front().method, StackAll(requests, rows), model, context));
  return TakeApart(requests, outputs, rows);
}

// Whether it is more than one request as it came.
bool IsStacked(const Batch& batch) {
  return batch.requests.size() > 1 || batch.run_rows > batch.rows;
}

Answer MakeAnswer(Request& request, absl::StatusOr<NamedValues> outputs, Time started,
                  int64_t batch_rows, Observer& observer) {
  if (!outputs.ok()) {
    return {std::move(request.reply), Explain(outputs.status(), request, observer)};
  }
  const Time ended = Now();
  return {std::move(request.reply), Response{.model = std::move(request.served),
                                             .outputs = *std::move(outputs),
                                             .timing = {.queue = started - request.context.arrived,
                                                        .compute = ended - started,
                                                        .total = ended - request.context.arrived,
                                                        .batch_rows = batch_rows},
                                             .request_id = std::move(request.request_id),
                                             .model_ref = std::move(request.model_ref),
                                             .ticket = std::move(request.ticket)}};
}

// The answers of requests that ran together; all of them fail with an error.
void AddAnswers(Requests requests, absl::StatusOr<AllOutputs> outputs, Time started, int64_t rows,
                Observer& observer, BatchOutcome& outcome) {
  for (size_t i = 0; i < requests.size(); ++i) {
    outcome.answers.push_back(MakeAnswer(requests[i],
                                         outputs.ok() ? std::move((*outputs)[i]) : outputs.status(),
                                         started, rows, observer));
  }
}

// Runs one request as `rows` rows.
absl::StatusOr<NamedValues> RunPadded(const Request& request, int64_t rows, LoadedModel& model,
                                      WorkerContext& context) {
  TORCHERE_ASSIGN_OR_RETURN(AllOutputs outputs,
                            RunTogether(absl::MakeConstSpan(&request, 1), rows, model, context));
  return std::move(outputs.front());
}

// Runs requests again whose batch has failed.
class Retry {
 public:
  // `padded_to` rows where each run has as many, whatever it runs; else 0.
  Retry(int64_t padded_to, LoadedModel& model, WorkerContext& context, Observer& observer)
      : padded_to_(padded_to), model_(model), context_(context), observer_(observer) {}

  void OneByOne(Requests requests) {
    for (Request& request : requests) {
      const Time started = Now();
      absl::StatusOr<NamedValues> outputs = NamedValues();
      if (outcome_.device.ok()) {
        outputs = padded_to_ > 0 ? RunPadded(request, padded_to_, model_, context_)
                                 : RunAlone(request, model_, context_);
        if (absl::IsUnavailable(outputs.status())) outcome_.device = outputs.status();
      } else {
        outputs = outcome_.device;
      }
      outcome_.answers.push_back(MakeAnswer(request, std::move(outputs), started,
                                            std::max(request.rows, padded_to_), observer_));
    }
  }

  void Together(Requests requests) {
    if (requests.size() > 1 && outcome_.device.ok()) {
      const Time started = Now();
      int64_t rows = 0;
      for (const Request& request : requests) rows += request.rows;
      rows = std::max(rows, padded_to_);
      absl::StatusOr<AllOutputs> outputs = RunTogether(requests, rows, model_, context_);
      if (outputs.ok()) {
        return AddAnswers(requests, std::move(outputs), started, rows, observer_, outcome_);
      }
      if (absl::IsUnavailable(outputs.status())) outcome_.device = outputs.status();
    }
    OneByOne(requests);
  }

  void InHalves(Requests requests) {
    context_.FreeUnused();
    const size_t half = (requests.size() + 1) / 2;
    Together(requests.first(half));
    Together(requests.subspan(half));
  }

  // All fail.
  void GiveUp(Requests requests, const absl::Status& why) {
    if (absl::IsUnavailable(why)) outcome_.device = why;
    AddAnswers(requests, why, Now(), 0, observer_, outcome_);
  }

  BatchOutcome outcome() && { return std::move(outcome_); }

 private:
  const int64_t padded_to_;
  LoadedModel& model_;
  WorkerContext& context_;
  Observer& observer_;
  BatchOutcome outcome_ = {.answers = {}, .as_planned = false};
};

bool IsLate(const Request& request, Time now) {
  return request.reply.abandoned() || request.context.deadline <= now;
}

}  // namespace

void AnswerDead(Request request) {
  const bool late = IsLate(request, Now());
  const std::string version = absl::StrCat(request.served.version);
  request.reply.Send(
      Refuse(late ? absl::StatusCode::kDeadlineExceeded : absl::StatusCode::kResourceExhausted,
             absl::StrCat("model '", request.served.name, "' version ", version,
                          late ? ": the deadline passed while the request was queued"
                               : ": the request waited too long to be answered in time"),
             {.reason = late ? "DEADLINE_EXCEEDED" : "QUEUE_TOO_LONG",
              .metadata = {{"model", request.served.name}, {"version", version}},
              .retry_after = late ? std::nullopt : std::make_optional(kRetryAfter)}));
}

absl::Status ModelHangs(const Device& device) {
  return Refuse(absl::StatusCode::kUnavailable,
                absl::StrCat("a run of it on ", Name(device),
                             " hangs; it gets no requests there until that has ended: wait, or "
                             "start the server again; the server's log says more"),
                {.reason = "MODEL_HANGS", .metadata = {{"device", Name(device)}}});
}

absl::Status WorkersHang(const Device& device) {
  return Refuse(absl::StatusCode::kUnavailable,
                absl::StrCat("runs of other models hang and hold all workers of ", Name(device),
                             ": start the server again; the server's log says more"),
                {.reason = "MODEL_HANGS", .metadata = {{"device", Name(device)}}});
}

void AnswerUnavailable(Request request, const absl::Status& why) {
  request.reply.Send(WithModel(why, request.served));
}

BatchOutcome RunBatch(Batch& batch, LoadedModel& model, WorkerContext& context,
                      Observer& observer) {
  BatchOutcome outcome;
  outcome.answers.reserve(batch.requests.size());
  const Time started = Now();
  if (IsStacked(batch)) {
    auto outputs = RunTogether(batch.requests, batch.run_rows, model, context);
    if (!outputs.ok()) return RunAgain(batch, outputs.status(), model, context, observer);
    AddAnswers(absl::MakeSpan(batch.requests), std::move(outputs), started, batch.run_rows,
               observer, outcome);
    return outcome;
  }
  Request& request = batch.requests.front();
  absl::StatusOr<NamedValues> outputs = RunAlone(request, model, context);
  outcome.as_planned = outputs.ok();
  outcome.answers.push_back(
      MakeAnswer(request, std::move(outputs), started, request.rows, observer));
  return outcome;
}

absl::StatusOr<BegunRun> BeginBatch(const Batch& batch, LoadedModel& model, WorkerContext& context,
                                    Staging& staging) {
  const Request& first = batch.requests.front();
  const MethodSignature& method = *first.method;
  // Shared with the requests, which may have to be run again.
  Arguments arguments =
      IsStacked(batch) ? StackAll(batch.requests, batch.run_rows) : first.arguments;
  TORCHERE_ASSIGN_OR_RETURN(BegunRun run,
                            model.Begin(method, std::move(arguments), context, staging));
  run.outputs = NameOutputs(method, std::move(run.outputs));
  if (!IsStacked(batch)) return run;
  for (const auto& [name, value] : run.outputs) {
    if (GoesByRows(value, OutputType(method, name), batch.run_rows)) continue;
    // What it reads and writes must stay until its end.
    TORCHERE_RETURN_IF_ERROR(run.fence->Wait());
    return NotByRows();
  }
  return run;
}

BatchOutcome RunAgain(Batch& batch, const absl::Status& why, LoadedModel& model,
                      WorkerContext& context, Observer& observer) {
  Retry retry(batch.invariant ? batch.run_rows : 0, model, context, observer);
  const Requests requests = absl::MakeSpan(batch.requests);
  if (absl::IsResourceExhausted(why)) {
    retry.InHalves(requests);
  } else if (absl::IsUnavailable(why) || !IsStacked(batch)) {
    retry.GiveUp(requests, why);
  } else {
    retry.OneByOne(requests);
  }
  return std::move(retry).outcome();
}

BatchOutcome EndBatch(Batch& batch, BegunRun run, Time started, Observer& observer) {
  BatchOutcome outcome;
  const Requests requests = absl::MakeSpan(batch.requests);
  outcome.device = run.fence->Wait();
  absl::StatusOr<AllOutputs> outputs = AllOutputs();
  if (!outcome.device.ok()) {
    outputs = outcome.device;
  } else if (IsStacked(batch)) {
    outputs = TakeApart(requests, run.outputs, batch.run_rows);
  } else {
    const Request& only = requests.front();
    outputs->push_back(PickOutputs(*only.method, std::move(run.outputs), only.outputs));
  }
  outcome.as_planned = outputs.ok();
  AddAnswers(requests, std::move(outputs), started, batch.run_rows, observer, outcome);
  return outcome;
}

}  // namespace torchere
