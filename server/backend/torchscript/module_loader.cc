// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torchscript/module_loader.h"

#include <ATen/Parallel.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/backend/torch/exceptions.h"
#include "server/backend/torch/runtime.h"
#include "server/backend/torch/torch_device.h"
#include "server/backend/torchscript/signature_reader.h"
#include "server/base/mutex.h"

namespace torchere {
namespace {

// Whether `is` holds for any node of the block, at any depth.
template <typename F>
bool AnyNode(const torch::jit::Block& block, F is) {
  const auto holds = [&is](const torch::jit::Node* node) {
    if (is(*node)) return true;
    if (node->hasAttribute(c10::attr::Subgraph) &&
        AnyNode(*node->g(c10::attr::Subgraph)->block(), is)) {
      return true;
    }
    return std::any_of(node->blocks().begin(), node->blocks().end(),
                       [&is](const torch::jit::Block* inner) { return AnyNode(*inner, is); });
  };
  return std::any_of(block.nodes().begin(), block.nodes().end(), holds);
}

// A frozen graph that still reads or writes the module: freezing leaves only
// those attributes in place that a run may write, or that it cannot judge.
bool TouchesModule(const torch::jit::Node& node) {
  return node.kind() == c10::prim::SetAttr || node.kind() == c10::prim::GetAttr ||
         node.kind() == c10::prim::CallMethod;
}

// What may take any time, however large its inputs: a loop, what is not LibTorch's,
// and what makes their items sizes or choices.
bool IsUnpredictable(const torch::jit::Node& node) {
  static const std::array kKnown = {c10::namespaces::aten, c10::namespaces::prim,
                                    c10::Symbol::fromQualString("namespaces::mkldnn"),
                                    c10::Symbol::fromQualString("namespaces::prepacked")};
  static const std::array kReadItems = {c10::aten::Bool,           c10::aten::Int,
                                        c10::aten::Float,          c10::aten::item,
                                        c10::aten::IntImplicit,    c10::aten::FloatImplicit,
                                        c10::aten::ScalarImplicit, c10::aten::repeat_interleave,
                                        c10::aten::bincount,       c10::aten::one_hot};
  const c10::Symbol kind = node.kind();
  if (std::find(kReadItems.begin(), kReadItems.end(), kind) != kReadItems.end()) {
    // A traced module takes its sizes through tensors.
    return node.inputs().empty() || node.input(0)->node()->kind() != c10::prim::NumToTensor;
  }
  return std::find(kKnown.begin(), kKnown.end(), kind.ns()) == kKnown.end() ||
         kind == c10::prim::Loop || kind == c10::prim::CallMethod ||
         kind == c10::prim::CallFunction || kind == c10::prim::fork || kind == c10::prim::PythonOp;
}

// The module with its attributes as constants; nothing of one that may write
// them, or that LibTorch cannot freeze. Throws nothing.
std::optional<torch::jit::Module> Freeze(const torch::jit::Module& module,
                                         const Signature& signature) {
  std::vector<std::string> methods;
  methods.reserve(signature.methods.size());
  for (const MethodSignature& method : signature.methods) methods.push_back(method.name);
  try {
    torch::jit::Module frozen = torch::jit::freeze_module(module, methods);
    for (const std::string& method : methods) {
      std::shared_ptr<torch::jit::Graph> graph = frozen.get_method(method).graph();
      if (AnyNode(*graph->block(), TouchesModule)) return std::nullopt;
      torch::jit::OptimizeFrozenGraph(graph);
    }
    return frozen;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

// Module::eval() of the modules that have a mode: those written by C++ or frozen
// before they were saved may have none, which eval() does not take.
void SetEvaluationMode(const torch::jit::Module& module) {
  for (torch::jit::Module part : module.modules()) {
    if (part.hasattr("training")) part.setattr("training", false);
  }
}

}  // namespace

absl::StatusOr<ServableModule> LoadModule(const std::string& path, const Device& device) {
  const MutexLock lock(TorchLoadMutex());
  try {
    at::init_num_threads();
    ServableModule servable;
    servable.module = torch::jit::load(path, ToTorch(device));
    SetEvaluationMode(servable.module);
    servable.signature = ReadSignature(servable.module);
    if (servable.signature.methods.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "' holds a module without a method that could be called"));
    }
    if (std::optional<torch::jit::Module> frozen = Freeze(servable.module, servable.signature)) {
      servable.module = *std::move(frozen);
      for (MethodSignature& method : servable.signature.methods) {
        const auto graph = servable.module.get_method(method.name).graph();
        method.is_straight = !AnyNode(*graph->block(), IsUnpredictable);
      }
      servable.output_memory = OutputMemory::kShare;
    }
    return servable;
  } catch (...) {
    return LoadFailure(path);
  }
}

}  // namespace torchere
