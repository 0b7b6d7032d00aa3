// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/reasons_to_refuse.h"

#include <stdexcept>
#include <variant>
#include <vector>

#include "google/protobuf/unknown_field_set.h"
#include "server/request/tensor.h"
#include "torchere/v1/predict.pb.h"

namespace torchere {
namespace {

using google::protobuf::UnknownField;

// The fields of a message that protobuf has accepted.
class Fields {
 public:
  explicit Fields(const std::string& wire) {
    if (!set_.ParseFromString(wire)) throw std::logic_error("protobuf accepted it, and refuses it");
  }

  // Every occurrence of a field of that number and type.
  std::vector<const UnknownField*> All(int number, UnknownField::Type type) const {
    std::vector<const UnknownField*> found;
    for (int i = 0; i < set_.field_count(); ++i) {
      const UnknownField& field = set_.field(i);
      if (field.number() == number && field.type() == type) found.push_back(&field);
    }
    return found;
  }

  std::vector<std::string> Texts(int number) const {
    std::vector<std::string> texts;
    for (const UnknownField* field : All(number, UnknownField::TYPE_LENGTH_DELIMITED)) {
      texts.push_back(field->length_delimited());
    }
    return texts;
  }

  // A message that comes twice where one belongs is what both make, one after the other.
  Fields Merged(int number) const {
    std::string wire;
    for (const std::string& part : Texts(number)) wire += part;
    return Fields(wire);
  }

 private:
  google::protobuf::UnknownFieldSet set_;
};

class ReasonFinder {
 public:
  explicit ReasonFinder(const WireLimits& limits) : limits_(limits) {}

  std::set<std::string> Find(const std::string& wire) {
    const Fields request(wire);
    const Fields model = request.Merged(1);
    Names(model, 1);
    Names(model, 3);
    Names(model, 4);
    const size_t choices = model.All(2, UnknownField::TYPE_VARINT).size() + model.Texts(3).size();
    If(choices > 1, "MALFORMED_MESSAGE");
    Inputs(request.Texts(2));
    Names(request, 3);
    If(Over(request.Texts(3).size(), limits_.outputs), "LIMIT_EXCEEDED");
    Names(request.Merged(4), 1);
    If(Over(tensors_, limits_.tensors), "LIMIT_EXCEEDED");
    If(Over(items_, limits_.list_items), "LIMIT_EXCEEDED");
    return std::move(reasons_);
  }

 private:
  static bool Over(size_t size, int limit) { return size > static_cast<size_t>(limit); }

  void If(bool holds, const char* reason) {
    if (holds) reasons_.insert(reason);
  }

  void Names(const Fields& fields, int number) {
    for (const std::string& name : fields.Texts(number)) {
      If(Over(name.size(), limits_.name_bytes), "LIMIT_EXCEEDED");
    }
  }

  void Inputs(const std::vector<std::string>& inputs) {
    If(Over(inputs.size(), limits_.inputs), "LIMIT_EXCEEDED");
    std::set<std::string> names;
    for (const std::string& wire : inputs) {
      const Fields input(wire);
      Names(input, 1);
      const std::vector<std::string> name = input.Texts(1);
      If(!names.insert(name.empty() ? "" : name.back()).second, "DUPLICATE_INPUT");
      Value(input.Merged(2), 1);
    }
  }

  void Value(const Fields& value, int depth) {
    if (Over(static_cast<size_t>(depth), limits_.depth)) return If(true, "LIMIT_EXCEEDED");
    const auto varints = [&](int n) { return value.All(n, UnknownField::TYPE_VARINT).size(); };
    size_t kinds = varints(3) + varints(5) + value.All(4, UnknownField::TYPE_FIXED64).size();
    for (const int number : {1, 2, 6, 7, 8}) {
      for (const std::string& wire : value.Texts(number)) {
        ++kinds;
        if (number == 1) Tensor(wire);
        if (number == 2) If(Over(wire.size(), limits_.text_bytes), "LIMIT_EXCEEDED");
        if (number == 6) List(Fields(wire), depth);
        if (number == 7) Map(Fields(wire), depth);
      }
    }
    If(kinds == 0, "INVALID_VALUE");
    If(kinds > 1, "MALFORMED_MESSAGE");
  }

  void Tensor(const std::string& wire) {
    ++tensors_;
    v1::Tensor tensor;
    if (!tensor.ParseFromString(wire)) throw std::logic_error("protobuf accepted and refuses it");
    If(Over(static_cast<size_t>(tensor.shape_size()), limits_.rank), "LIMIT_EXCEEDED");
    const auto dtype = DTypeFromNumber(static_cast<uint32_t>(tensor.dtype()));
    if (!dtype) return If(true, "UNKNOWN_DTYPE");
    const auto bytes =
        ByteSize(*dtype, {tensor.shape().data(), static_cast<size_t>(tensor.shape_size())});
    If(!bytes, "INVALID_VALUE");
    If(bytes && static_cast<size_t>(*bytes) != tensor.data().size(), "LENGTH_MISMATCH");
  }

  void List(const Fields& list, int depth) {
    for (const std::string& item : list.Texts(1)) {
      ++items_;
      Value(Fields(item), depth + 1);
    }
  }

  void Map(const Fields& map, int depth) {
    std::set<std::variant<std::string, uint64_t>> keys;
    std::set<size_t> kinds;
    for (const std::string& wire : map.Texts(1)) {
      ++items_;
      const Fields entry(wire);
      Value(entry.Merged(3), depth + 1);
      const std::vector<std::string> texts = entry.Texts(1);
      for (const std::string& text : texts) {
        If(Over(text.size(), limits_.text_bytes), "LIMIT_EXCEEDED");
      }
      const auto numbers = entry.All(2, UnknownField::TYPE_VARINT);
      If(texts.size() + numbers.size() > 1, "MALFORMED_MESSAGE");
      If(texts.empty() && numbers.empty(), "INVALID_VALUE");
      std::variant<std::string, uint64_t> key;
      if (!texts.empty()) key = texts.back();
      if (!numbers.empty()) key = numbers.back()->varint();
      kinds.insert(key.index());
      If(!keys.insert(std::move(key)).second || kinds.size() > 1, "INVALID_VALUE");
    }
  }

  const WireLimits& limits_;
  size_t tensors_ = 0;
  size_t items_ = 0;
  std::set<std::string> reasons_;
};

}  // namespace

std::set<std::string> ReasonsToRefuse(const std::string& wire, const WireLimits& limits) {
  return ReasonFinder(limits).Find(wire);
}

}  // namespace torchere
