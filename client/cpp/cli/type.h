// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace torchere::cli {

// The type of an argument, read from TorchScript's text of it: "Tensor",
// "Dict[str, Tensor]", "Optional[List[int]]", "Tuple[int, str]", or a NamedTuple's
// "Ranking(scores: Tensor, names: List[str])".
class Type {
 public:
  enum class Kind {
    kTensor,
    kText,
    kInt,
    kFloat,
    kBool,
    kNumber,  // int, float or bool
    kNone,
    kOptional,    // elements()[0], or None
    kUnion,       // any of elements()
    kList,        // elements()[0], repeated
    kTuple,       // elements(), in order
    kNamedTuple,  // elements(), in order, each named by fields()
    kDict,        // from elements()[0] to elements()[1]
    kOther,       // a name that says nothing here: Any, a class
  };

  // A type of which nothing is known.
  Type() = default;

  //   INVALID_ARGUMENT  not a type; the message shows where it ends to be one
  static absl::StatusOr<Type> Parse(const std::string& text);

  Kind kind() const { return kind_; }
  const std::vector<Type>& elements() const { return elements_; }
  // Names of a NamedTuple's elements.
  const std::vector<std::string>& fields() const { return fields_; }
  // The type's own text, evenly spaced.
  const std::string& text() const { return text_; }

 private:
  friend class TypeParser;

  Kind kind_ = Kind::kOther;
  std::vector<Type> elements_;
  std::vector<std::string> fields_;
  std::string text_ = "Any";
};

}  // namespace torchere::cli
