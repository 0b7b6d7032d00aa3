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
                                  WorkerContext& worker) override {
    if (!IsAsynchronous(device_)) return Call(method, std::move(arguments), nullptr);
    TorchStaging& staging = static_cast<TorchWorkerContext&>(worker).staging();
    TORCHERE_ASSIGN_OR_RETURN(BegunRun run, Begin(method, std::move(arguments), worker, staging));
    TORCHERE_RETURN_IF_ERROR(run.fence->Wait());
    return std::move(run.outputs);
  }

  absl::StatusOr<BegunRun> Begin(const MethodSignature& method, Arguments arguments,
                                 WorkerContext& worker, Staging& staging) override {
    auto& context = static_cast<TorchWorkerContext&>(worker);
    auto& way = static_cast<TorchStaging&>(staging);
    way.Clear();
    absl::StatusOr<NamedValues> outputs = Call(method, std::move(arguments), &way);
    absl::Status failure = outputs.status();
    try {
      if (outputs.ok()) return BegunRun{*std::move(outputs), context.RecordFence()};
    } catch (...) {
      failure = RunFailure(method.name);
    }
    // The device may be at what was begun still, or be the reason.
    TORCHERE_RETURN_IF_ERROR(context.Synchronize());
    return failure;
  }

 private:
  // Runs the method; on an asynchronous device by way of `staging`.
  absl::StatusOr<NamedValues> Call(const MethodSignature& method, Arguments arguments,
                                   TorchStaging* staging) const {
    const auto found = methods_.find(method.name);
    if (found == methods_.end()) {
      return absl::InternalError(absl::StrCat("the model has no method '", method.name, "'"));
    }
    try {
      torch::jit::Function& function = found->second.function();
      torch::jit::Stack stack = MakeStack(function.getSchema(), std::move(arguments), staging);
      function.run(stack);
      return ReadOutputs(stack.back(), *function.getSchema().returns()[0].type(),
                         {.memory = servable_.output_memory, .staging = staging});
    } catch (...) {
      return RunFailure(method.name);
    }
  }

  // The module, then the method's arguments.
  torch::jit::Stack MakeStack(const c10::FunctionSchema& schema, Arguments arguments,
                              TorchStaging* staging) const {
    torch::jit::Stack stack;
    stack.reserve(arguments.size() + 1);
    stack.push_back(servable_.module._ivalue());
    for (size_t i = 0; i < arguments.size(); ++i) {
      const c10::Argument& argument = schema.arguments().at(i + 1);
      if (std::optional<Value>& given = arguments[i]) {
        stack.push_back(ToTorch(*given, argument.type(), staging));
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

  std::vector<Device> devices() const override { return FindDevices(); }

  absl::Status TryDevice(const Device& device) override { return TryTorchDevice(device); }

  std::unique_ptr<WorkerContext> StartWorker(const Device& device) override {
    return std::make_unique<TorchWorkerContext>(device);
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
