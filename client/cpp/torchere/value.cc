// SPDX-License-Identifier: Apache-2.0
#include "torchere/value.h"

namespace torchere {
inline namespace client {
namespace {

struct KindNamer {
  std::string operator()(const Null&) const { return "None"; }
  std::string operator()(const Tensor&) const { return "Tensor"; }
  std::string operator()(const std::string&) const { return "str"; }
  std::string operator()(int64_t) const { return "int"; }
  std::string operator()(double) const { return "float"; }
  std::string operator()(bool) const { return "bool"; }
  std::string operator()(const List&) const { return "List"; }
  std::string operator()(const Map&) const { return "Dict"; }
};

}  // namespace

Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value::Value() = default;
Value::Value(Null) {}
Value::Value(std::nullptr_t) {}
Value::Value(Tensor tensor) : kind_(std::move(tensor)) {}
Value::Value(std::string text) : kind_(std::move(text)) {}
Value::Value(const char* text) : kind_(std::string(text)) {}
Value::Value(std::string_view text) : kind_(std::string(text)) {}
Value::Value(double number) : kind_(number) {}
Value::Value(bool truth) : kind_(truth) {}
Value::Value(Integer integer) : kind_(integer.number) {}
Value::Value(List list) : kind_(std::move(list)) {}
Value::Value(Map map) : kind_(std::move(map)) {}

std::string Value::KindName() const { return std::visit(KindNamer{}, kind_); }

}  // namespace client
}  // namespace torchere
