// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/backend/backend.h"

namespace torchere {

// A model whose one method, forward(x: Tensor) -> Tensor, is a function of the
// test's.
class FakeModel : public LoadedModel {
 public:
  using Run1 = std::function<absl::StatusOr<NamedValues>(const Arguments&)>;

  explicit FakeModel(Run1 run) : run_(std::move(run)) {
    MethodSignature forward;
    forward.name = "forward";
    forward.inputs.emplace_back().name = "x";
    forward.outputs.emplace_back().name = "output";
    signature_.methods.push_back(std::move(forward));
  }

  const Signature& signature() const override { return signature_; }

  absl::StatusOr<NamedValues> Run(const MethodSignature&, Arguments arguments,
                                  WorkerContext&) override {
    return run_(arguments);
  }

 private:
  Signature signature_;
  const Run1 run_;
};

// Loads the files that the test has told it of.
class FakeBackend : public Backend {
 public:
  std::map<std::string, FakeModel::Run1> files;

  std::string name() const override { return "fake"; }

  std::unique_ptr<WorkerContext> StartWorker(const Device&) override {
    return std::make_unique<WorkerContext>();
  }

  absl::StatusOr<std::unique_ptr<LoadedModel>> Load(const std::string& path,
                                                    const Device&) override {
    const auto file = files.find(path);
    if (file == files.end()) return absl::InvalidArgumentError(absl::StrCat(path, " is broken"));
    return std::make_unique<FakeModel>(file->second);
  }
};

// What gives x back as it came.
inline absl::StatusOr<NamedValues> Identity(const Arguments& arguments) {
  NamedValues outputs;
  outputs.push_back({"output", *arguments[0]});
  return outputs;
}

}  // namespace torchere
