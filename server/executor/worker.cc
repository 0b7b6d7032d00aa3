// SPDX-License-Identifier: Apache-2.0
#include "server/executor/worker.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/clock.h"
#include "server/base/status_macros.h"
#include "server/request/error.h"
#include "server/request/rows.h"

namespace torchere {
namespace {

constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);

// Adds the model to the error; an INTERNAL one is logged under the request's
// id, which its message then names.
absl::Status Explain(const absl::Status& status, const Request& request, Observer& observer) {
  const ServedModel& served = request.served;
  absl::Status explained =
      Annotate(status,
               absl::StrCat("model '", served.name, "' version ", served.version, ", method '",
                            served.method, "': "),
               {{"model", served.name}, {"version", absl::StrCat(served.version)}});
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

// The outputs of each request of a batch that ran together; nothing where the run
// failed.
std::optional<std::vector<absl::StatusOr<NamedValues>>> RunTogether(const Batch& batch,
                                                                    LoadedModel& model,
                                                                    WorkerContext& context) {
  const MethodSignature& method = *batch.requests.front().method;
  std::vector<const Arguments*> arguments;
  arguments.reserve(batch.requests.size());
  for (const Request& request : batch.requests) arguments.push_back(&request.arguments);
  const auto outputs = Run(method, Stack(arguments, batch.run_rows), model, context);
  if (!outputs.ok()) return std::nullopt;
  std::vector<absl::StatusOr<NamedValues>> all;
  all.reserve(batch.requests.size());
  int64_t first = 0;
  for (const Request& request : batch.requests) {
    auto slices = OutputsOf(method, *outputs, batch.run_rows, first, request.rows);
    if (!slices) return std::nullopt;
    all.push_back(PickOutputs(method, *std::move(slices), request.outputs));
    first += request.rows;
  }
  return all;
}

// Runs one request with copies of its last row beside it, until there are `rows`.
absl::StatusOr<NamedValues> RunPadded(const Request& request, int64_t rows, LoadedModel& model,
                                      WorkerContext& context) {
  const MethodSignature& method = *request.method;
  TORCHERE_ASSIGN_OR_RETURN(const NamedValues outputs,
                            Run(method, Stack({&request.arguments}, rows), model, context));
  auto slices = OutputsOf(method, outputs, rows, 0, request.rows);
  if (!slices) return NotByRows();
  return PickOutputs(method, *std::move(slices), request.outputs);
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

BatchOutcome RunBatch(Batch& batch, LoadedModel& model, WorkerContext& context,
                      Observer& observer) {
  BatchOutcome outcome;
  outcome.answers.reserve(batch.requests.size());
  if (batch.requests.size() > 1 || batch.run_rows > batch.rows) {
    const Time started = Now();
    auto outputs = RunTogether(batch, model, context);
    for (size_t i = 0; outputs && i < batch.requests.size(); ++i) {
      outcome.answers.push_back(MakeAnswer(batch.requests[i], std::move((*outputs)[i]), started,
                                           batch.run_rows, observer));
    }
    if (outputs) return outcome;
    outcome.as_planned = false;
  }
  for (Request& request : batch.requests) {
    const Time started = Now();
    auto outputs = batch.invariant ? RunPadded(request, batch.run_rows, model, context)
                                   : RunAlone(request, model, context);
    const int64_t rows = batch.invariant ? batch.run_rows : request.rows;
    outcome.answers.push_back(MakeAnswer(request, std::move(outputs), started, rows, observer));
  }
  return outcome;
}

}  // namespace torchere
