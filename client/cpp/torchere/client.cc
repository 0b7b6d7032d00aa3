// SPDX-License-Identifier: Apache-2.0
#include "torchere/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/wire/channel.h"
#include "client/cpp/wire/codec.h"
#include "client/cpp/wire/request.h"
#include "client/cpp/wire/status.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "torchere/v1/error.pb.h"
#include "torchere/v1/model_status.grpc.pb.h"
#include "torchere/v1/predict.pb.h"

namespace torchere {
inline namespace client {
namespace {

using std::chrono::nanoseconds;

// More is as good as for ever, and keeps the deadline inside the clock's range.
constexpr nanoseconds kLongestTimeout = std::chrono::hours(24 * 365);

// PredictCall and ModelQuery name a version alike.
template <typename Call>
absl::Status CheckChoice(const Call& call) {
  if (call.model.empty()) {
    v1::Error error;
    error.set_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
    error.set_reason("MISSING_MODEL");
    error.set_message("no model is named");
    return FromMessage(error);
  }
  if (call.version && !call.label.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("model '", call.model, "': both version ",
                                                   *call.version, " and label '", call.label,
                                                   "' are asked for; ask for one"));
  }
  return absl::OkStatus();
}

template <typename Request>
Request QueryRequest(const ModelQuery& query) {
  Request request;
  request.set_name(query.model);
  if (query.version) request.set_version(*query.version);
  if (!query.label.empty()) request.set_label(query.label);
  return request;
}

}  // namespace

class Client::Connection {
 public:
  Connection(const std::string& target, const ClientOptions& options)
      : timeout_(options.timeout),
        channel_(OpenChannel(target, {.max_response_bytes = options.max_response_bytes})),
        predict_(channel_),
        status_(v1::ModelStatusService::NewStub(channel_)) {}

  // One call of Predict.
  absl::StatusOr<v1::PredictResponse> Predict(const grpc::ByteBuffer& request,
                                              std::optional<nanoseconds> timeout) {
    const auto call = [&](grpc::ClientContext* context, v1::PredictResponse* response) {
      grpc::CompletionQueue queue;
      const auto reader = predict_.PrepareUnaryCall(context, "/torchere.v1.PredictService/Predict",
                                                    request, &queue);
      reader->StartCall();
      grpc::Status status;
      reader->Finish(response, &status, nullptr);
      queue.Shutdown();
      // The answer, and then the end of the queue.
      void* tag = nullptr;
      bool ok = false;
      while (queue.Next(&tag, &ok)) continue;
      return status;
    };
    return WithDeadline<v1::PredictResponse>(call, timeout);
  }

  // One call of a method of ModelStatusService.
  template <typename Request, typename Response>
  absl::StatusOr<Response> AskStatus(grpc::Status (v1::ModelStatusService::Stub::*method)(
                                         grpc::ClientContext*, const Request&, Response*),
                                     const Request& request,
                                     std::optional<nanoseconds> timeout) const {
    const auto call = [&](grpc::ClientContext* context, Response* response) {
      return (status_.get()->*method)(context, request, response);
    };
    return WithDeadline<Response>(call, timeout);
  }

 private:
  template <typename Response, typename Call>
  absl::StatusOr<Response> WithDeadline(const Call& call,
                                        std::optional<nanoseconds> timeout) const {
    const nanoseconds limit = std::min(timeout.value_or(timeout_), kLongestTimeout);
    if (limit <= nanoseconds::zero()) {
      return absl::InvalidArgumentError("the timeout is not greater than 0");
    }
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + limit);
    Response response;
    const grpc::Status status = call(&context, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }

  const nanoseconds timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
  // The request is bytes already.
  grpc::TemplatedGenericStub<grpc::ByteBuffer, v1::PredictResponse> predict_;
  const std::unique_ptr<v1::ModelStatusService::Stub> status_;
};

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

absl::StatusOr<Client> Client::Connect(const std::string& target, ClientOptions options) {
  if (target.empty()) return absl::InvalidArgumentError("the server's address is empty");
  if (options.timeout <= nanoseconds::zero()) {
    return absl::InvalidArgumentError("ClientOptions::timeout is not greater than 0");
  }
  if (options.max_response_bytes <= 0) {
    return absl::InvalidArgumentError("ClientOptions::max_response_bytes is not greater than 0");
  }
  return Client(std::make_unique<Connection>(target, options));
}

absl::StatusOr<Prediction> Client::Predict(const PredictCall& call) const {
  if (absl::Status status = CheckChoice(call); !status.ok()) return status;
  const absl::StatusOr<grpc::ByteBuffer> request = SerializePredict(call);
  if (!request.ok()) return request.status();
  auto response = connection_->Predict(*request, call.timeout);
  if (!response.ok()) return response.status();
  return DecodePrediction(*std::move(response));
}

absl::StatusOr<ModelStatus> Client::Status(const ModelQuery& query) const {
  if (absl::Status status = CheckChoice(query); !status.ok()) return status;
  const auto response =
      connection_->AskStatus(&v1::ModelStatusService::Stub::GetModelStatus,
                             QueryRequest<v1::GetModelStatusRequest>(query), query.timeout);
  if (!response.ok()) return response.status();
  return DecodeModelStatus(response->model());
}

absl::StatusOr<std::vector<ModelStatus>> Client::Models(std::optional<nanoseconds> timeout) const {
  const auto response = connection_->AskStatus(&v1::ModelStatusService::Stub::ListModels,
                                               v1::ListModelsRequest(), timeout);
  if (!response.ok()) return response.status();
  std::vector<ModelStatus> models;
  for (const v1::ModelStatus& model : response->models()) {
    models.push_back(DecodeModelStatus(model));
  }
  return models;
}

absl::StatusOr<ModelSignature> Client::Signature(const ModelQuery& query) const {
  if (absl::Status status = CheckChoice(query); !status.ok()) return status;
  const auto response =
      connection_->AskStatus(&v1::ModelStatusService::Stub::GetModelSignature,
                             QueryRequest<v1::GetModelSignatureRequest>(query), query.timeout);
  if (!response.ok()) return response.status();
  return DecodeSignature(*response);
}

const Value* Prediction::Output(const std::string& name) const {
  const auto output = std::find_if(outputs.begin(), outputs.end(),
                                   [&](const NamedValue& o) { return o.name == name; });
  return output == outputs.end() ? nullptr : &output->value;
}

absl::StatusOr<const Tensor*> Prediction::TensorOutput(const std::string& name) const {
  const Value* value = Output(name);
  if (value == nullptr) {
    const auto append_name = [](std::string* text, const NamedValue& output) {
      absl::StrAppend(text, "'", output.name, "'");
    };
    return absl::NotFoundError(
        absl::StrCat("model '", model.name, "' returned no output '", name,
                     "'; it returned: ", absl::StrJoin(outputs, ", ", append_name)));
  }
  const Tensor* tensor = value->If<Tensor>();
  if (tensor == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("output '", name, "' of model '", model.name,
                                                   "' is a ", value->KindName(), ", not a Tensor"));
  }
  return tensor;
}

}  // namespace client
}  // namespace torchere
