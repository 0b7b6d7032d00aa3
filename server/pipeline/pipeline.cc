// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/pipeline.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/status_macros.h"
#include "server/request/error.h"

namespace torchere {
namespace {

std::string MethodOf(const ModelSpec& spec) {
  return spec.method.empty() ? "forward" : spec.method;
}

absl::StatusOr<const MethodSignature*> FindMethod(const Signature& signature,
                                                  const std::string& name) {
  if (const MethodSignature* method = signature.Find(name)) return method;
  return Refuse(absl::StatusCode::kNotFound,
                absl::StrCat("no method '", name, "'; there are: ",
                             absl::StrJoin(signature.methods, ", ",
                                           [](std::string* out, const MethodSignature& method) {
                                             absl::StrAppend(out, "'", method.name, "'");
                                           })),
                {.reason = "METHOD_NOT_FOUND", .metadata = {{"method", name}}});
}

// Looks the request over against the version's signature and fills in its
// method and arguments.
absl::Status Bind(const Signature& signature, Request& request) {
  TORCHERE_ASSIGN_OR_RETURN(request.method, FindMethod(signature, request.served.method));
  TORCHERE_RETURN_IF_ERROR(CheckWanted(*request.method, request.outputs));
  TORCHERE_ASSIGN_OR_RETURN(request.arguments,
                            BindInputs(*request.method, std::exchange(request.inputs, {})));
  return absl::OkStatus();
}

}  // namespace

absl::Status Pipeline::Enqueue(Request& request) {
  TORCHERE_ASSIGN_OR_RETURN(const ModelHandle handle, registry_.Acquire(request.model));
  request.served = {.name = handle.model(),
                    .version = handle.status().version,
                    .label = {},
                    .method = MethodOf(request.model),
                    .digest = handle.status().digest};
  request.model_ref = handle.ref();
  absl::Status status = Bind(handle.served().signature(), request);
  if (status.ok()) status = handle.served().Submit(request);
  if (status.ok()) return status;
  const std::string version = absl::StrCat(handle.status().version);
  return Annotate(status, absl::StrCat("model '", handle.model(), "' version ", version, ": "),
                  {{"model", handle.model()}, {"version", version}});
}

void Pipeline::Submit(Request request) {
  if (absl::Status status = Enqueue(request); !status.ok()) request.reply.Send(std::move(status));
}

}  // namespace torchere
