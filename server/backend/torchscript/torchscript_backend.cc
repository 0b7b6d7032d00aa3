// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torchscript/torchscript_backend.h"

#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/backend/archive.h"
#include "server/backend/torch/exceptions.h"
#include "server/backend/torch/runtime.h"
#include "server/backend/torch/value_bridge.h"
#include "server/backend/torch/worker_context.h"
#include "server/backend/torchscript/module_loader.h"
#include "server/backend/torchscript/signature_reader.h"
#include "server/base/status_macros.h"

namespace torchere {
namespace {

class TorchScriptModel : public LoadedModel {
 public:
  TorchScriptModel(ServableModule servable, const Device& device)
      : servable_(std::move(servable)), device_(device) {
    for (const MethodSignature& method : servable_.signature.methods) {
      methods_.emplace(method.name, servable_.module.get_method(method.name));
    }
  }

  const Signature& signature() const override { return servable_.signature; }

  absl::StatusOr<NamedValues> Run(const MethodSignature& method, Arguments arguments,
                                  WorkerContext& /*worker*/) override {
    const auto found = methods_.find(method.name);
    if (found == methods_.end()) {
      return absl::InternalError(absl::StrCat("the model has no method '", method.name, "'"));
    }
    try {
      torch::jit::Function& function = found->second.function();
      torch::jit::Stack stack = MakeStack(function.getSchema(), std::move(arguments));
      function.run(stack);
      return ReadOutputs(stack.back(), *function.getSchema().returns()[0].type(),
                         servable_.output_memory);
    } catch (...) {
      return RunFailure(method.name);
    }
  }

 private:
  // The module, then the method's arguments.
  torch::jit::Stack MakeStack(const c10::FunctionSchema& schema, Arguments arguments) const {
    torch::jit::Stack stack;
    stack.reserve(arguments.size() + 1);
    stack.push_back(servable_.module._ivalue());
    for (size_t i = 0; i < arguments.size(); ++i) {
      const c10::Argument& argument = schema.arguments().at(i + 1);
      if (std::optional<Value>& given = arguments[i]) {
        stack.push_back(ToTorch(*given, argument.type(), device_));
        given.reset();
      } else if (const std::optional<c10::IValue> value = argument.default_value()) {
        // A copy: a list among them could be written to by the run.
        stack.push_back(value->deepcopy());
      }
    }
    return stack;
  }

  const ServableModule servable_;
  const Device device_;
  std::map<std::string, torch::jit::Method> methods_;
};

class TorchScriptBackend : public Backend {
 public:
  std::string name() const override { return "torchscript"; }

  std::unique_ptr<WorkerContext> StartWorker(const Device& device) override {
    return StartTorchWorker(device);
  }

  absl::StatusOr<std::unique_ptr<LoadedModel>> Load(const std::string& path,
                                                    const Device& device) override {
    TORCHERE_ASSIGN_OR_RETURN(const ArchiveKind kind, InspectArchive(path));
    if (kind == ArchiveKind::kAotInductor) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path,
                       "' is an AOTInductor package (.pt2), which this version of torchere-server "
                       "does not serve yet; save the model with torch.jit.save instead"));
    }
    const std::vector<Device> devices = FindDevices();
    if (std::find(devices.begin(), devices.end(), device) == devices.end()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "'", path, "' cannot be loaded: LibTorch finds no device ", Name(device), " here"));
    }
    TORCHERE_ASSIGN_OR_RETURN(ServableModule servable, LoadModule(path, device));
    return std::make_unique<TorchScriptModel>(std::move(servable), device);
  }
};

}  // namespace

std::unique_ptr<Backend> MakeTorchScriptBackend() { return std::make_unique<TorchScriptBackend>(); }

}  // namespace torchere
