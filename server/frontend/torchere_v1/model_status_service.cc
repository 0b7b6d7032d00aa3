// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/model_status_service.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/base/status_macros.h"
#include "server/frontend/grpc/message.h"
#include "server/frontend/torchere_v1/value_encoder.h"
#include "server/request/error.h"
#include "torchere/v1/model_status.pb.h"

namespace torchere {
namespace {

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration message;
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  message.set_seconds(nanos / 1'000'000'000);
  message.set_nanos(static_cast<int>(nanos % 1'000'000'000));
  return message;
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp message;
  const int64_t nanos = absl::ToUnixNanos(time);
  message.set_seconds(nanos / 1'000'000'000);
  message.set_nanos(static_cast<int>(nanos % 1'000'000'000));
  return message;
}

v1::ModelStatus ToProto(const ModelStatus& model) {
  v1::ModelStatus message;
  message.set_name(model.name);
  for (const VersionStatus& version : model.versions) {
    v1::ModelVersionStatus& to = *message.add_versions();
    to.set_version(version.version);
    to.set_state(static_cast<v1::ModelState>(version.state));
    *to.mutable_state_since() = ToProto(version.state_since);
    if (version.state == ModelState::kAvailable)
      *to.mutable_load_time() = ToProto(version.load_time);
    to.set_device(version.device);
    to.set_backend(version.backend);
    to.set_digest(version.digest);
    to.set_file_bytes(version.file_bytes);
    if (version.error.ok()) continue;
    const ErrorDetails details = DetailsOf(version.error);
    to.mutable_error()->set_code(static_cast<int>(version.error.code()));
    to.mutable_error()->set_message(std::string(version.error.message()));
    to.mutable_error()->set_reason(details.reason);
    to.mutable_error()->mutable_metadata()->insert(details.metadata.begin(),
                                                   details.metadata.end());
  }
  return message;
}

v1::ValueSignature ToProto(const ValueSpec& spec) {
  v1::ValueSignature message;
  message.set_name(spec.name);
  message.set_type(spec.type.text);
  if (spec.dtype) message.set_dtype(static_cast<v1::DataType>(*spec.dtype));
  if (spec.shape) {
    message.mutable_shape()->mutable_dims()->Add(spec.shape->begin(), spec.shape->end());
  }
  message.set_has_default(spec.has_default || spec.is_made);
  if (spec.default_value) {
    WireWriter writer;
    EncodeValue(*spec.default_value, writer);
    message.mutable_default_value()->ParseFromString(std::move(writer).Finish().ToString());
  }
  message.mutable_labels()->Add(spec.labels.begin(), spec.labels.end());
  if (spec.range) {
    message.mutable_range()->set_least(spec.range->least);
    message.mutable_range()->set_most(spec.range->most);
  }
  return message;
}

v1::MethodSignature ToProto(const MethodSignature& method, const CostCurve& costs) {
  v1::MethodSignature message;
  message.set_name(method.name);
  for (const ValueSpec& input : method.inputs) *message.add_inputs() = ToProto(input);
  for (const ValueSpec& output : method.outputs) *message.add_outputs() = ToProto(output);
  if (method.outputs_vary) {
    v1::ValueSignature& rest = *message.add_outputs();
    rest.set_name("*");
    rest.set_type(method.returns.text);
  }
  message.set_batched(method.batched);
  for (const CostCurve::Point& point : costs.points()) {
    v1::RunCost& cost = *message.add_run_costs();
    cost.set_rows(point.rows);
    *cost.mutable_time() = ToProto(absl::FromChrono(costs.Of(point.rows)));
  }
  return message;
}

// What the three requests have in common.
template <typename Message>
ModelSpec SpecOf(const Message& request) {
  ModelSpec spec{.name = request.name()};
  if (request.choice_case() == Message::kVersion) spec.choice = request.version();
  if (request.choice_case() == Message::kLabel) spec.choice = request.label();
  return spec;
}

absl::StatusOr<v1::GetModelStatusResponse> GetModelStatus(
    const Registry& registry, const v1::GetModelStatusRequest& request) {
  TORCHERE_ASSIGN_OR_RETURN(const ModelStatus status, registry.StatusOf(SpecOf(request)));
  v1::GetModelStatusResponse response;
  *response.mutable_model() = ToProto(status);
  return response;
}

absl::StatusOr<v1::ListModelsResponse> ListModels(const Registry& registry,
                                                  const v1::ListModelsRequest&) {
  v1::ListModelsResponse response;
  for (const ModelStatus& model : registry.List()) *response.add_models() = ToProto(model);
  return response;
}

absl::StatusOr<v1::GetModelSignatureResponse> GetModelSignature(
    const Registry& registry, const v1::GetModelSignatureRequest& request) {
  TORCHERE_ASSIGN_OR_RETURN(const ModelHandle handle, registry.Acquire(SpecOf(request)));
  v1::GetModelSignatureResponse response;
  response.mutable_model()->set_name(handle.model());
  response.mutable_model()->set_version(handle.status().version);
  response.mutable_model()->set_digest(handle.status().digest);
  const ServedVersion& served = handle.served();
  for (const MethodSignature& method : served.signature().methods) {
    *response.add_methods() = ToProto(method, served.run_costs(method));
  }
  return response;
}

// The name of a model, its version or label, and what a later version may add.
constexpr int64_t kMostBytes = 16 << 10;

// A method that answers at once, from the registry.
template <typename Request, typename Response>
class LookUp : public Method {
 public:
  using Answer = absl::StatusOr<Response> (*)(const Registry&, const Request&);

  LookUp(const Registry& registry, Gate& gate, Answer answer)
      : Method(gate, kMostBytes), registry_(registry), answer_(answer) {}

  void Start(Incoming incoming) override {
    const absl::StatusOr<Request> request = Parse<Request>(incoming.message);
    if (!request.ok()) return incoming.call.Finish(request.status());
    const absl::StatusOr<Response> response = answer_(registry_, *request);
    if (!response.ok()) return incoming.call.Finish(response.status());
    incoming.call.Finish(Bytes(response->SerializeAsString()));
  }

 private:
  const Registry& registry_;
  const Answer answer_;
};

template <typename Request, typename Response>
void Add(MethodTable& methods, const std::string& name, const Registry& registry, Gate& gate,
         absl::StatusOr<Response> (*answer)(const Registry&, const Request&)) {
  methods["/torchere.v1.ModelStatusService/" + name] =
      std::make_unique<LookUp<Request, Response>>(registry, gate, answer);
}

}  // namespace

void AddModelStatusService(const Registry& registry, Gate& gate, MethodTable& methods) {
  Add(methods, "GetModelStatus", registry, gate, GetModelStatus);
  Add(methods, "ListModels", registry, gate, ListModels);
  Add(methods, "GetModelSignature", registry, gate, GetModelSignature);
}

}  // namespace torchere
