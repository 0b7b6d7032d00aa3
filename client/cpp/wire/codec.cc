// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/wire/codec.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/wire/duration.h"
#include "client/cpp/wire/status.h"

namespace torchere {
inline namespace client {
namespace {

struct Encoder {
  v1::Value& wire;

  void operator()(const Null&) const { wire.mutable_null(); }
  void operator()(const Tensor& tensor) const {
    v1::Tensor& out = *wire.mutable_tensor();
    out.set_dtype(static_cast<v1::DataType>(tensor.dtype()));
    out.mutable_shape()->Assign(tensor.shape().begin(), tensor.shape().end());
    out.set_data(tensor.data().data(), tensor.data().size());
  }
  void operator()(const std::string& text) const { wire.set_text(text); }
  void operator()(int64_t number) const { wire.set_int_(number); }
  void operator()(double number) const { wire.set_float_(number); }
  void operator()(bool truth) const { wire.set_bool_(truth); }
  void operator()(const List& list) const {
    v1::ValueList& out = *wire.mutable_list();
    for (const Value& item : list) std::visit(Encoder{*out.add_values()}, item.kind());
  }
  void operator()(const Map& map) const {
    v1::ValueMap& out = *wire.mutable_map();
    for (const MapEntry& entry : map) {
      v1::ValueMap::Entry& to = *out.add_entries();
      if (const auto* text = std::get_if<std::string>(&entry.key)) {
        to.set_text(*text);
      } else {
        to.set_int_(std::get<int64_t>(entry.key));
      }
      std::visit(Encoder{*to.mutable_value()}, entry.value.kind());
    }
  }
};

absl::Status Malformed(const std::string& what) {
  return absl::InternalError(
      absl::StrCat("the server's answer ", what, "; is the client older than the server?"));
}

// The message's bytes themselves, but for few: those a string may hold in itself,
// where they are not aligned.
absl::StatusOr<Tensor> TakeTensor(DataType dtype, v1::Tensor& wire) {
  constexpr size_t kFew = 64;
  std::vector<int64_t> shape(wire.shape().begin(), wire.shape().end());
  if (wire.data().size() <= kFew) {
    const auto* begin = reinterpret_cast<const std::byte*>(wire.data().data());
    return Tensor::Create(dtype, std::move(shape), {begin, begin + wire.data().size()});
  }
  const auto owner = std::make_shared<const std::string>(std::move(*wire.mutable_data()));
  const auto* begin = reinterpret_cast<const std::byte*>(owner->data());
  return Tensor::Share(dtype, std::move(shape), {owner, begin}, owner->size());
}

absl::StatusOr<Tensor> DecodeTensor(v1::Tensor& wire) {
  const std::optional<DataType> dtype = DataTypeFromNumber(wire.dtype());
  if (!dtype) return Malformed(absl::StrCat("has a tensor of the unknown dtype ", wire.dtype()));
  absl::StatusOr<Tensor> tensor = TakeTensor(*dtype, wire);
  if (!tensor.ok()) return Malformed(absl::StrCat("is malformed: ", tensor.status().message()));
  return tensor;
}

absl::StatusOr<Value> DecodeList(v1::ValueList& wire) {
  List list;
  list.reserve(wire.values_size());
  for (v1::Value& item : *wire.mutable_values()) {
    absl::StatusOr<Value> value = DecodeValue(std::move(item));
    if (!value.ok()) return value.status();
    list.push_back(*std::move(value));
  }
  return Value(std::move(list));
}

absl::StatusOr<Value> DecodeMap(v1::ValueMap& wire) {
  Map map;
  map.reserve(wire.entries_size());
  for (v1::ValueMap::Entry& entry : *wire.mutable_entries()) {
    absl::StatusOr<Value> value = DecodeValue(std::move(*entry.mutable_value()));
    if (!value.ok()) return value.status();
    switch (entry.key_case()) {
      case v1::ValueMap::Entry::kText:
        map.push_back({.key = entry.text(), .value = *std::move(value)});
        break;
      case v1::ValueMap::Entry::kInt:
        map.push_back({.key = entry.int_(), .value = *std::move(value)});
        break;
      case v1::ValueMap::Entry::KEY_NOT_SET:
        return Malformed("has a map with an entry without a key");
    }
  }
  return Value(std::move(map));
}

ServedModel DecodeServed(const v1::ServedModel& wire) {
  return {.name = wire.name(),
          .version = wire.version(),
          .label = wire.label(),
          .method = wire.method(),
          .digest = wire.digest()};
}

ModelVersionStatus DecodeVersion(const v1::ModelVersionStatus& wire) {
  ModelVersionStatus status = {.version = wire.version(),
                               .state = static_cast<ModelState>(wire.state()),
                               .error = FromMessage(wire.error()),
                               .state_since = std::nullopt,
                               .load_time = std::nullopt,
                               .device = wire.device(),
                               .backend = wire.backend(),
                               .digest = wire.digest(),
                               .file_bytes = wire.file_bytes(),
                               .labels = {wire.labels().begin(), wire.labels().end()}};
  if (wire.has_state_since()) {
    status.state_since = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            ToNanoseconds(wire.state_since())));
  }
  if (wire.has_load_time()) status.load_time = ToNanoseconds(wire.load_time());
  return status;
}

absl::StatusOr<ValueSignature> DecodeValueSignature(const v1::ValueSignature& wire) {
  ValueSignature signature = {.name = wire.name(),
                              .type = wire.type(),
                              .dtype = std::nullopt,
                              .shape = std::nullopt,
                              .has_default = wire.has_default(),
                              .default_value = std::nullopt,
                              .labels = {wire.labels().begin(), wire.labels().end()},
                              .range = std::nullopt};
  if (wire.has_range()) signature.range = IntRange{wire.range().least(), wire.range().most()};
  if (wire.dtype() != v1::DATA_TYPE_UNSPECIFIED) {
    signature.dtype = DataTypeFromNumber(wire.dtype());
    if (!signature.dtype) {
      return Malformed(absl::StrCat("declares '", wire.name(), "' with an unknown dtype, ",
                                    static_cast<int>(wire.dtype())));
    }
  }
  if (wire.has_shape()) {
    signature.shape.emplace(wire.shape().dims().begin(), wire.shape().dims().end());
  }
  if (wire.has_default_value()) {
    absl::StatusOr<Value> value = DecodeValue(wire.default_value());
    if (!value.ok()) return value.status();
    signature.default_value = *std::move(value);
  }
  return signature;
}

template <typename Wire>
absl::Status DecodeValueSignatures(const Wire& wire, std::vector<ValueSignature>& to) {
  for (const v1::ValueSignature& item : wire) {
    absl::StatusOr<ValueSignature> signature = DecodeValueSignature(item);
    if (!signature.ok()) return signature.status();
    to.push_back(*std::move(signature));
  }
  return absl::OkStatus();
}

}  // namespace

v1::Value EncodeValue(const Value& value) {
  v1::Value wire;
  std::visit(Encoder{wire}, value.kind());
  return wire;
}

v1::PredictRequest EncodeAllButInputs(const PredictCall& call) {
  v1::PredictRequest wire;
  v1::ModelSpec& model = *wire.mutable_model();
  model.set_name(call.model);
  if (call.version) model.set_version(*call.version);
  if (!call.label.empty()) model.set_label(call.label);
  model.set_method(call.method);
  wire.mutable_outputs()->Assign(call.outputs.begin(), call.outputs.end());
  if (!call.request_id.empty()) wire.mutable_options()->set_request_id(call.request_id);
  if (call.priority != 0) wire.mutable_options()->set_priority(call.priority);
  return wire;
}

void EncodeInput(const NamedValue& input, v1::NamedValue& to) {
  to.set_name(input.name);
  std::visit(Encoder{*to.mutable_value()}, input.value.kind());
}

v1::PredictRequest EncodePredict(const PredictCall& call) {
  v1::PredictRequest wire = EncodeAllButInputs(call);
  for (const NamedValue& input : call.inputs) EncodeInput(input, *wire.add_inputs());
  return wire;
}

absl::StatusOr<Value> DecodeValue(v1::Value wire) {
  switch (wire.kind_case()) {
    case v1::Value::kTensor: {
      absl::StatusOr<Tensor> tensor = DecodeTensor(*wire.mutable_tensor());
      if (!tensor.ok()) return tensor.status();
      return Value(*std::move(tensor));
    }
    case v1::Value::kText:
      return Value(wire.text());
    case v1::Value::kInt:
      return Value(wire.int_());
    case v1::Value::kFloat:
      return Value(wire.float_());
    case v1::Value::kBool:
      return Value(wire.bool_());
    case v1::Value::kList:
      return DecodeList(*wire.mutable_list());
    case v1::Value::kMap:
      return DecodeMap(*wire.mutable_map());
    case v1::Value::kNull:
      return Value();
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return Malformed("has a value of a kind that is not known");
}

absl::StatusOr<Prediction> DecodePrediction(v1::PredictResponse wire) {
  Prediction prediction;
  prediction.model = DecodeServed(wire.model());
  prediction.request_id = wire.request_id();
  prediction.timing = {.queue = ToNanoseconds(wire.timing().queue()),
                       .compute = ToNanoseconds(wire.timing().compute()),
                       .total = ToNanoseconds(wire.timing().total()),
                       .batch_rows = wire.timing().batch_rows()};
  prediction.outputs.reserve(wire.outputs_size());
  for (v1::NamedValue& output : *wire.mutable_outputs()) {
    absl::StatusOr<Value> value = DecodeValue(std::move(*output.mutable_value()));
    if (!value.ok()) return value.status();
    prediction.outputs.push_back({.name = output.name(), .value = *std::move(value)});
  }
  return prediction;
}

ModelStatus DecodeModelStatus(const v1::ModelStatus& wire) {
  ModelStatus status;
  status.name = wire.name();
  for (const v1::ModelVersionStatus& version : wire.versions()) {
    status.versions.push_back(DecodeVersion(version));
  }
  return status;
}

absl::StatusOr<ModelSignature> DecodeSignature(const v1::GetModelSignatureResponse& wire) {
  ModelSignature signature;
  signature.model = DecodeServed(wire.model());
  for (const v1::MethodSignature& from : wire.methods()) {
    MethodSignature method;
    method.name = from.name();
    absl::Status status = DecodeValueSignatures(from.inputs(), method.inputs);
    if (status.ok()) status = DecodeValueSignatures(from.outputs(), method.outputs);
    if (!status.ok()) return status;
    method.batched = from.batched();
    for (const v1::RunCost& cost : from.run_costs()) {
      method.run_costs.push_back({cost.rows(), ToNanoseconds(cost.time())});
    }
    signature.methods.push_back(std::move(method));
  }
  return signature;
}

}  // namespace client
}  // namespace torchere
