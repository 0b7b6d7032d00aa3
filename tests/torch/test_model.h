// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/backend/backend.h"
#include "server/request/signature.h"

namespace torchere {

// tests/data/NAME
std::string TestData(const std::string& name);

// A model that this thread loads and calls as a worker would.
class TestModel {
 public:
  // Fails the test if the file cannot be loaded.
  explicit TestModel(const std::string& path);

  // What loading the file fails with.
  static absl::Status LoadError(const std::string& path);

  const Signature& signature() const { return model_->signature(); }

  // Binds the inputs and runs the method, in a worker context of the calling
  // thread's own.
  absl::StatusOr<NamedValues> Call(const std::string& method, NamedValues inputs) const;

  // Show of the outputs of a call that must succeed.
  std::string Ask(const std::string& method, NamedValues inputs) const;

 private:
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<LoadedModel> model_;
};

// All that a value is, as text: "[1, {'a': FP32 [2] 0000803f00000040}]". Equal for
// equal values only.
std::string Show(const Value& value);

// "name=value name=value"
std::string Show(const NamedValues& values);

// A tensor whose bytes lie in pieces of `piece_bytes`.
Tensor TensorOfBytes(DType dtype, const std::vector<int64_t>& shape, const std::string& bytes,
                     size_t piece_bytes = 3);

template <typename T>
Value MakeTensor(DType dtype, const std::vector<int64_t>& shape, const std::vector<T>& items) {
  std::string bytes(items.size() * sizeof(T), '\0');
  if (!items.empty()) std::memcpy(bytes.data(), items.data(), bytes.size());
  return {TensorOfBytes(dtype, shape, bytes)};
}

// A FP32 tensor of shape [items].
Value Floats(const std::vector<float>& items);

inline Value Text(const char* text) { return {std::string(text)}; }
inline Value Int(int64_t number) { return {number}; }

}  // namespace torchere
