// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace torchere {

// Which version of a model a caller asks for.
struct ModelSpec {
  std::string name = {};
  // Nothing: the newest that is AVAILABLE; a version; a label.
  std::variant<std::monostate, int64_t, std::string> choice = {};
  // Empty: "forward".
  std::string method = {};
};

// What really ran.
struct ServedModel {
  std::string name = {};
  int64_t version = 0;
  std::string label = {};
  std::string method = {};
  std::string digest = {};
};

// Keeps a model version loaded for as long as it is held. Opaque: only the
// registry knows what is inside.
class ModelRef {
 public:
  ModelRef() = default;
  explicit ModelRef(std::shared_ptr<const void> held) : held_(std::move(held)) {}
  ModelRef(ModelRef&&) noexcept = default;
  ModelRef& operator=(ModelRef&&) noexcept = default;

  // A second hold on the same version.
  ModelRef Share() const { return ModelRef(held_); }

 private:
  std::shared_ptr<const void> held_;
};

}  // namespace torchere
