// SPDX-License-Identifier: Apache-2.0
#include "tests/torch/test_model.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/backend/torch/runtime.h"
#include "server/backend/torchscript/torchscript_backend.h"
#include "tests/support/catch.h"

namespace torchere {
namespace {

struct Shower {
  std::string operator()(const Null&) const { return "null"; }
  std::string operator()(const Tensor& tensor) const {
    return absl::StrCat(Name(tensor.dtype), " ", ShapeText(tensor.shape), " ",
                        absl::BytesToHexString(tensor.data.ToString()));
  }
  std::string operator()(const std::string& text) const { return absl::StrCat("'", text, "'"); }
  std::string operator()(int64_t number) const { return absl::StrCat(number); }
  std::string operator()(double number) const { return absl::StrCat("float ", number); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(const List& list) const {
    return absl::StrCat(
        "[",
        absl::StrJoin(list, ", ",
                      [](std::string* out, const Value& value) { out->append(Show(value)); }),
        "]");
  }
  std::string operator()(const Map& map) const {
    return absl::StrCat(
        "{",
        absl::StrJoin(map, ", ",
                      [](std::string* out, const MapEntry& entry) {
                        const auto* number = std::get_if<int64_t>(&entry.key);
                        absl::StrAppend(
                            out,
                            number ? absl::StrCat(*number)
                                   : absl::StrCat("'", std::get<std::string>(entry.key), "'"),
                            ": ", Show(entry.value));
                      }),
        "}");
  }
};

std::unique_ptr<Backend> MakeBackend() {
  ConfigureTorchRuntime({.intra_op_threads = 1});
  return MakeTorchScriptBackend();
}

}  // namespace

std::string TestData(const std::string& name) {
  return absl::StrCat(TORCHERE_TEST_DATA, "/", name);
}

TestModel::TestModel(const std::string& path) : backend_(MakeBackend()) {
  absl::StatusOr<std::unique_ptr<LoadedModel>> model = backend_->Load(path, Device{});
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  model_ = *std::move(model);
}

absl::Status TestModel::LoadError(const std::string& path) {
  return MakeBackend()->Load(path, Device{}).status();
}

absl::StatusOr<NamedValues> TestModel::Call(const std::string& method, NamedValues inputs) const {
  const MethodSignature* signature = model_->signature().Find(method);
  if (signature == nullptr) return absl::NotFoundError(absl::StrCat("no method ", method));
  absl::StatusOr<Arguments> arguments = BindInputs(*signature, std::move(inputs));
  if (!arguments.ok()) return arguments.status();
  const std::unique_ptr<WorkerContext> worker = backend_->StartWorker(Device{});
  return model_->Run(*signature, *std::move(arguments), *worker);
}

std::string TestModel::Ask(const std::string& method, NamedValues inputs) const {
  const absl::StatusOr<NamedValues> outputs = Call(method, std::move(inputs));
  INFO(method << ": " << outputs.status().ToString());
  REQUIRE(outputs.ok());
  return Show(*outputs);
}

std::string Show(const Value& value) { return std::visit(Shower(), value.kind); }

std::string Show(const NamedValues& values) {
  return absl::StrJoin(values, " ", [](std::string* out, const NamedValue& value) {
    absl::StrAppend(out, value.name, "=", Show(value.value));
  });
}

Tensor TensorOfBytes(DType dtype, const std::vector<int64_t>& shape, const std::string& bytes,
                     size_t piece_bytes) {
  Tensor tensor{.dtype = dtype, .shape = Shape(shape.begin(), shape.end()), .data = {}};
  for (size_t at = 0; at < bytes.size(); at += piece_bytes) {
    tensor.data.Append(Bytes(bytes.substr(at, piece_bytes)));
  }
  return tensor;
}

Value Floats(const std::vector<float>& items) {
  return MakeTensor<float>(DType::kFp32, {static_cast<int64_t>(items.size())}, items);
}

}  // namespace torchere
