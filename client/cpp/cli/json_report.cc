// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/json_report.h"

#include "client/cpp/cli/classes.h"
#include "client/cpp/cli/signature.h"
#include "client/cpp/cli/tensor_json.h"
#include "client/cpp/cli/time.h"
#include "client/cpp/cli/value_json.h"

namespace torchere::cli {
namespace {

Json ClassesJson(const std::vector<RankedRow>& rows) {
  Json json = Json::array();
  for (const RankedRow& row : rows) {
    Json classes = Json::array();
    for (const ScoredClass& one : row.classes) {
      Json item;
      item["label"] = one.label;
      item["index"] = one.index;
      item["score"] = NumberToJson(one.score);
      classes.push_back(std::move(item));
    }
    json.push_back(std::move(classes));
  }
  return json;
}

Json VersionJson(const ModelVersionStatus& version) {
  Json json;
  json["version"] = version.version;
  json["state"] = ModelStateName(version.state);
  json["error"] = version.error.ok() ? Json(nullptr) : ErrorJson(version.error, {});
  json["state_since"] =
      version.state_since ? Json(TimestampText(*version.state_since)) : Json(nullptr);
  json["load_ms"] = version.load_time ? Json(Milliseconds(*version.load_time)) : Json(nullptr);
  json["device"] = version.device;
  json["backend"] = version.backend;
  json["digest"] = version.digest;
  json["file_bytes"] = version.file_bytes;
  json["labels"] = version.labels;
  return json;
}

Json ValueSignaturesJson(const std::vector<ValueSignature>& values) {
  Json array = Json::array();
  for (const ValueSignature& value : values) {
    Json json;
    json["name"] = value.name;
    json["type"] = value.type;
    json["dtype"] = value.dtype ? Json(DataTypeName(*value.dtype)) : Json(nullptr);
    json["shape"] = value.shape ? Json(*value.shape) : Json(nullptr);
    json["has_default"] = value.has_default;
    json["default"] = value.default_value ? ValueToJson(*value.default_value) : Json(nullptr);
    json["labels"] = value.labels;
    json["range"] = value.range ? Json{value.range->least, value.range->most} : Json(nullptr);
    array.push_back(std::move(json));
  }
  return array;
}

}  // namespace

Json ModelJson(const ServedModel& model) {
  Json json;
  json["name"] = model.name;
  json["version"] = model.version;
  json["label"] = model.label;
  json["method"] = model.method;
  json["digest"] = model.digest;
  return json;
}

Json PredictionJson(const Prediction& prediction, const MethodSignature* method,
                    std::chrono::nanoseconds elapsed, int64_t top) {
  Json json;
  json["model"] = ModelJson(prediction.model);
  json["outputs"] = Json::object();
  json["classes"] = Json::object();
  for (const NamedValue& output : prediction.outputs) {
    json["outputs"][output.name] = ValueToJson(output.value);
    const auto* tensor = output.value.If<Tensor>();
    if (tensor == nullptr) continue;
    const auto ranked = RankClasses(*tensor, LabelsOf(method, output.name), top);
    if (ranked) json["classes"][output.name] = ClassesJson(*ranked);
  }
  const Timing& timing = prediction.timing;
  json["timing"]["elapsed_ms"] = Milliseconds(elapsed);
  json["timing"]["server_ms"] = Milliseconds(timing.total);
  json["timing"]["queue_ms"] = Milliseconds(timing.queue);
  json["timing"]["compute_ms"] = Milliseconds(timing.compute);
  json["timing"]["batch_rows"] = timing.batch_rows;
  return json;
}

Json StatusJson(const std::vector<ModelStatus>& models) {
  Json json;
  json["models"] = Json::array();
  for (const ModelStatus& model : models) {
    Json item;
    item["name"] = model.name;
    item["versions"] = Json::array();
    for (const ModelVersionStatus& version : model.versions) {
      item["versions"].push_back(VersionJson(version));
    }
    json["models"].push_back(std::move(item));
  }
  return json;
}

Json SignatureJson(const ModelSignature& signature) {
  Json json;
  json["model"] = ModelJson(signature.model);
  json["methods"] = Json::array();
  for (const MethodSignature& method : signature.methods) {
    Json item;
    item["name"] = method.name;
    item["inputs"] = ValueSignaturesJson(method.inputs);
    item["outputs"] = ValueSignaturesJson(method.outputs);
    item["batched"] = method.batched;
    item["run_costs"] = Json::array();
    for (const RunCost& cost : method.run_costs) {
      item["run_costs"].push_back({{"rows", cost.rows}, {"time_ns", cost.time.count()}});
    }
    json["methods"].push_back(std::move(item));
  }
  return json;
}

Json ErrorJson(const absl::Status& status, const std::vector<std::string>& next) {
  const ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  Json json;
  json["code"] = absl::StatusCodeToString(status.code());
  json["reason"] = details.reason;
  json["message"] = std::string(status.message());
  json["metadata"] = Json(details.metadata);
  json["retry_delay_ms"] =
      details.retry_delay ? Json(Milliseconds(*details.retry_delay)) : Json(nullptr);
  json["next"] = next;
  return json;
}

}  // namespace torchere::cli
