// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/backend/backend.h"
#include "tests/support/fake_device.h"

namespace torchere {

// A model whose one method, forward(x: Tensor) -> Tensor or one with other inputs, is
// a function of the test's. Begun on a FakeDevice it gives outputs whose tensors hold 0xFF until
// the device has done the run.
class FakeModel : public LoadedModel {
 public:
  using Run1 = std::function<absl::StatusOr<NamedValues>(const Arguments&)>;

  explicit FakeModel(Run1 run, const std::vector<std::string>& inputs = {"x"},
                     bool is_straight = false)
      : run_(std::move(run)) {
    MethodSignature forward;
    forward.name = "forward";
    forward.is_straight = is_straight;
    for (const std::string& input : inputs) forward.inputs.emplace_back().name = input;
    forward.outputs.emplace_back().name = "output";
    signature_.methods.push_back(std::move(forward));
  }

  const Signature& signature() const override { return signature_; }

  absl::StatusOr<NamedValues> Run(const MethodSignature&, Arguments arguments,
                                  WorkerContext&) override {
    return run_(arguments);
  }

  absl::StatusOr<BegunRun> Begin(const MethodSignature&, Arguments arguments, WorkerContext& worker,
                                 Staging& memory) override {
    FakeDevice& device = *static_cast<FakeContext&>(worker).device;
    auto& staging = static_cast<FakeStaging&>(memory);
    // Another run's inputs would be overwritten.
    if (std::exchange(staging.in_use, true)) std::abort();
    staging.arguments = std::move(arguments);
    absl::StatusOr<NamedValues> outputs = run_(staging.arguments);
    if (!outputs.ok()) {
      staging.in_use = false;
      return outputs.status();
    }
    std::vector<std::function<void()>> copies;
    for (NamedValue& output : *outputs) PutOff(output.value, copies);
    const int64_t number = device.Enqueue([copies = std::move(copies)] {
      for (const auto& copy : copies) copy();
    });
    return BegunRun{*std::move(outputs), std::make_unique<FakeFence>(device, staging, number)};
  }

 private:
  // Puts memory without content into the place of its tensors' bytes, and a copy
  // of these for later.
  static void PutOff(Value& value, std::vector<std::function<void()>>& copies) {
    if (auto* list = std::get_if<List>(&value.kind)) {
      for (Value& item : *list) PutOff(item, copies);
    }
    auto* tensor = std::get_if<Tensor>(&value.kind);
    if (tensor == nullptr) return;
    auto memory = std::make_shared<std::string>(tensor->data.size(), '\xFF');
    copies.push_back([bytes = tensor->data, memory] { bytes.CopyTo(memory->data()); });
    const char* data = memory->data();
    const size_t size = memory->size();
    tensor->data = Bytes();
    tensor->data.Append({data, size, std::move(memory)});
  }

  Signature signature_;
  const Run1 run_;
};

// Loads the files that the test has told it of.
class FakeBackend : public Backend {
 public:
  std::map<std::string, FakeModel::Run1> files;
  std::vector<Device> there = {Device{}};
  // Of all models.
  std::vector<std::string> inputs = {"x"};
  bool is_straight = false;
  // What all asynchronous devices are.
  FakeDevice* device = nullptr;

  std::string name() const override { return "fake"; }
  std::vector<Device> devices() const override { return there; }
  absl::Status TryDevice(const Device& where) override {
    return IsAsynchronous(where) ? device->broken() : absl::OkStatus();
  }

  std::unique_ptr<WorkerContext> StartWorker(const Device& where) override {
    return std::make_unique<FakeContext>(IsAsynchronous(where) ? device : nullptr);
  }

  absl::StatusOr<std::unique_ptr<LoadedModel>> Load(const std::string& path,
                                                    const Device&) override {
    const auto file = files.find(path);
    if (file == files.end()) return absl::InvalidArgumentError(absl::StrCat(path, " is broken"));
    return std::make_unique<FakeModel>(file->second, inputs, is_straight);
  }
};

// What gives x back as it came.
inline absl::StatusOr<NamedValues> Identity(const Arguments& arguments) {
  NamedValues outputs;
  outputs.push_back({"output", *arguments[0]});
  return outputs;
}

}  // namespace torchere
