// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/request/value.h"
#include "server/request/value_type.h"

namespace torchere {

// Integers from one to another, both included.
struct IntRange {
  int64_t least = 0;
  int64_t most = 0;
};

// What is known of an argument or output.
struct ValueSpec {
  std::string name = {};
  ValueType type = {};
  // Of a tensor, where they are declared; -1 is a free dimension.
  std::optional<DType> dtype = {};
  std::optional<Shape> shape = {};
  // Of an argument of integers: an index outside of it poisons a GPU.
  std::optional<IntRange> range = {};
  // Names of the classes that an output's last dimension counts.
  std::vector<std::string> labels = {};
  // Of an argument: whether it may be left out, and what is taken then, where
  // Value can say it.
  bool has_default = false;
  std::optional<Value> default_value = {};
  // Of an argument: it is made (Padding::Mask) where it is left out.
  bool is_made = false;
  // Of an output: its name in the archive, where the caller's is another.
  std::string archive_name = {};
};

// How requests of different lengths are made alike: model.yaml's `pad`. Inputs are
// named by their place among the method's.
struct Padding {
  // A tensor, whose dimension `axis`, 1 or more, is filled up with copies of `item`,
  // the bytes of one. All that a request gives have one length there.
  struct Input {
    size_t place = 0;
    size_t axis = 1;
    std::string item = {};
  };
  // A tensor of [rows, length] for the input at `of`, which is padded, or where that is
  // left out for the first that is given; made where it is left out itself: `one` for
  // what the caller gave, `zero` for what was filled up.
  struct Mask {
    size_t place = 0;
    size_t of = 0;
    std::string zero = {}, one = {};
  };
  // A tensor, by the callers' name, that has the length at `axis` and is cut back to
  // the request's own.
  struct Output {
    std::string name = {};
    size_t axis = 1;
  };

  // The lengths of runs, ascending; none where nothing is padded.
  std::vector<int64_t> buckets = {};
  // One of them at least is in every request.
  std::vector<Input> inputs = {};
  std::vector<Mask> masks = {};
  std::vector<Output> outputs = {};
};

struct MethodSignature {
  std::string name = {};
  std::vector<ValueSpec> inputs = {};
  // Empty names are never in here; where the names are known only once it has
  // run, `outputs_vary` is set and these are the ones that are declared.
  std::vector<ValueSpec> outputs = {};
  bool outputs_vary = false;
  // What the archive says it returns.
  ValueType returns = {};
  // Its code has no loop and calls nothing but LibTorch's own operators: how long
  // a run takes follows from the sizes of its inputs.
  bool is_straight = false;
  // Whether requests for it run together, by their rows.
  bool batched = false;
  Padding padding = {};
};

// The arguments of a method in its order; nothing stands for the default.
using Arguments = std::vector<std::optional<Value>>;

// How a model is called.
struct Signature {
  // forward first, the others by name.
  std::vector<MethodSignature> methods = {};

  const MethodSignature* Find(absl::string_view method) const;
};

// Puts the inputs into the method's order, each checked against its type and,
// where they are declared, dtype, rank, dimensions and range.
//
//   INVALID_ARGUMENT  UNKNOWN_INPUT, MISSING_INPUT, DUPLICATE_INPUT,
//                     TYPE_MISMATCH, DTYPE_MISMATCH, RANK_MISMATCH,
//                     SHAPE_MISMATCH, OUT_OF_RANGE, INVALID_VALUE, UNSUPPORTED_INPUT
absl::StatusOr<Arguments> BindInputs(const MethodSignature& method, NamedValues inputs);

// Checks, before the run, that the method can return the outputs wanted.
//
//   INVALID_ARGUMENT  UNKNOWN_OUTPUT, DUPLICATE_OUTPUT
absl::Status CheckWanted(const MethodSignature& method, const std::vector<std::string>& wanted);

// The outputs of a run, with the callers' names in the place of the archive's.
NamedValues NameOutputs(const MethodSignature& method, NamedValues outputs);

// Of NameOutputs' those wanted, which CheckWanted has passed, in that order, or
// all where none are named.
//
//   INVALID_ARGUMENT  UNKNOWN_OUTPUT, of a method whose outputs vary
absl::StatusOr<NamedValues> PickOutputs(const MethodSignature& method, NamedValues outputs,
                                        const std::vector<std::string>& wanted);

// The type of the output that callers know by `name`.
const ValueType& OutputType(const MethodSignature& method, const std::string& name);

}  // namespace torchere
