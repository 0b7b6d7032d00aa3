// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cpp/cli/json.h"
#include "client/cpp/cli/type.h"
#include "torchere/value.h"

namespace torchere::cli {

// A value as JSON: text, numbers, true, false, null; a List or Tuple as an array;
// a Dict or NamedTuple as an object, the keys of a Dict[int, …] in decimal; a
// tensor as TensorToJson writes it, and a float as it writes an item.
Json ValueToJson(const Value& value);

// Reads JSON as a value of the type that an argument has, so that the same [1, 2]
// is a List[int] or a Tensor as the method wants it.
class ValueReader {
 public:
  // Gives the tensor of a file.
  using LoadTensor = std::function<absl::StatusOr<Tensor>(const std::string& path)>;

  // `declared` is the dtype that the signature gives the argument's tensors.
  ValueReader(LoadTensor load_tensor, std::optional<DataType> declared)
      : load_tensor_(std::move(load_tensor)), declared_(declared) {}

  // Where a tensor is wanted, "@FILE.npy" is the file's, and all that
  // TensorFromJson takes is taken. Where the type says nothing, an array is a
  // List, an object with "dtype" and "data" a tensor, any other object a Dict. A
  // NamedTuple is an object, or an array in the order of its fields.
  //
  //   INVALID_ARGUMENT  it is no value of that type; the message begins with
  //                     `path`, the place of the value: "input 'boxes'[3]"
  absl::StatusOr<Value> Read(const Json& json, const Type& type, const std::string& path) const;

 private:
  absl::StatusOr<Value> ReadTensor(const Json& json, const std::string& path) const;
  absl::StatusOr<Value> ReadUnion(const Json& json, const Type& type,
                                  const std::string& path) const;
  absl::StatusOr<Value> ReadList(const Json& json, const Type& type, const std::string& path) const;
  absl::StatusOr<Value> ReadNamedTuple(const Json& json, const Type& type,
                                       const std::string& path) const;
  absl::StatusOr<Value> ReadDict(const Json& json, const Type& type, const std::string& path) const;
  absl::StatusOr<Value> ReadUntyped(const Json& json, const std::string& path, int depth) const;
  absl::StatusOr<Value> ReadUntypedObject(const Json& json, const std::string& path,
                                          int depth) const;

  LoadTensor load_tensor_;
  std::optional<DataType> declared_;
};

}  // namespace torchere::cli
