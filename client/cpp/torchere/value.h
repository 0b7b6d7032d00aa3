// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "torchere/tensor.h"

namespace torchere {
inline namespace client {

class Value;
struct MapEntry;

// None.
struct Null {};

// A List or a Tuple, in order. Copy one with `=` or `List(other)`: `List{other}`
// is a list whose one item is `other`.
using List = std::vector<Value>;

// A Dict or a NamedTuple, in order.
using Map = std::vector<MapEntry>;

// One value of any type that a TorchScript method takes or returns:
//
//   Tensor                  | Tensor
//   str, int, float, bool   | std::string, int64_t, double, bool
//   None, an empty Optional | Null
//   List, Tuple             | List
//   NamedTuple, Dict        | Map (a NamedTuple's keys are its field names)
//
// Made from any of these without a word: {"threshold", 0.5}.
class Value {
 public:
  using Kind = std::variant<Null, Tensor, std::string, int64_t, double, bool, List, Map>;

  // Out of line, since a Map's entries are not complete here.
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  // None.
  Value();
  Value(Null);
  Value(std::nullptr_t);
  Value(Tensor tensor);
  Value(std::string text);
  Value(const char* text);
  Value(std::string_view text);
  Value(double number);
  Value(bool truth);
  Value(List list);
  Value(Map map);
  // An unsigned number above int64's range becomes negative.
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Value(T number) : Value(Integer{static_cast<int64_t>(number)}) {}
  // Else any pointer would become a bool.
  template <typename T>
    requires(!std::same_as<std::remove_cv_t<T>, char>)
  Value(T*) = delete;

  // For std::visit.
  const Kind& kind() const { return kind_; }

  // Whether it is a T of Kind.
  template <typename T>
  bool Is() const {
    return std::holds_alternative<T>(kind_);
  }

  // The T of Kind that it is, else nullptr. Lives as long as the value.
  template <typename T>
  const T* If() const {
    return std::get_if<T>(&kind_);
  }

  // What it is, for messages: "Tensor", "str", "int", "float", "bool", "None",
  // "List", "Dict".
  std::string KindName() const;

 private:
  struct Integer {
    int64_t number;
  };
  explicit Value(Integer integer);

  Kind kind_;
};

// One key of a Map, with its value.
struct MapEntry {
  // A Dict's keys are all texts or all numbers; a NamedTuple's are texts.
  std::variant<std::string, int64_t> key;
  Value value;
};

// A value with the name of the argument or output that it belongs to.
struct NamedValue {
  std::string name;
  Value value = {};
};

}  // namespace client
}  // namespace torchere
