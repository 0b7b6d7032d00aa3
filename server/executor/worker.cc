// SPDX-License-Identifier: Apache-2.0
#include "server/executor/worker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/clock.h"
#include "server/base/status_macros.h"
#include "server/request/error.h"

namespace torchere {
namespace {

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

absl::StatusOr<NamedValues> RunOne(Request& request, LoadedModel& model, WorkerContext& context) {
  TORCHERE_ASSIGN_OR_RETURN(NamedValues outputs,
                            model.Run(*request.method, std::move(request.arguments), context));
  return SelectOutputs(*request.method, std::move(outputs), request.outputs);
}

}  // namespace

void AnswerDead(Request request) {
  request.reply.Send(
      Refuse(absl::StatusCode::kDeadlineExceeded,
             absl::StrCat("model '", request.served.name, "' version ", request.served.version,
                          ": the deadline passed while the request was queued"),
             {.reason = "DEADLINE_EXCEEDED",
              .metadata = {{"model", request.served.name},
                           {"version", absl::StrCat(request.served.version)}}}));
}

void RunBatch(Batch batch, LoadedModel& model, WorkerContext& context, Observer& observer) {
  for (Request& request : batch.requests) {
    const Time started = Now();
    if (request.reply.abandoned() || request.context.deadline <= started) {
      AnswerDead(std::move(request));
      continue;
    }
    absl::StatusOr<NamedValues> outputs = RunOne(request, model, context);
    const Time ended = Now();
    if (!outputs.ok()) {
      request.reply.Send(Explain(outputs.status(), request, observer));
      continue;
    }
    request.reply.Send(Response{.model = std::move(request.served),
                                .outputs = *std::move(outputs),
                                .timing = {.queue = started - request.context.arrived,
                                           .compute = ended - started,
                                           .total = ended - request.context.arrived},
                                .request_id = std::move(request.request_id),
                                .model_ref = std::move(request.model_ref),
                                .ticket = std::move(request.ticket)});
  }
}

}  // namespace torchere
