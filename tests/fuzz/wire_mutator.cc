// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/wire_mutator.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace torchere {
namespace {

// One field of protobuf's wire format, as a tree: what a length-delimited field
// holds is taken for a message where it can be one.
struct WireField {
  uint32_t number = 1;
  // 0 varint, 1 eight bytes, 2 length-delimited, 3 group, 5 four bytes.
  int type = 0;
  // Of types 0, 1 and 5.
  uint64_t bits = 0;
  // Of type 2, unless it is a message.
  std::string text = {};
  // Of a message or group.
  bool is_message = false;
  std::vector<WireField> fields = {};
  // Bytes by which the tag, and the varint or length, are longer than need be.
  int tag_padding = 0;
  int padding = 0;
};

using Fields = std::vector<WireField>;

constexpr int kMaxDepth = 120;

class Parser {
 public:
  explicit Parser(const std::string& wire) : wire_(wire) {}

  // Up to the end, or up to the end of group `group`.
  std::optional<Fields> Message(int depth, uint32_t group = 0) {
    Fields fields;
    while (at_ < wire_.size()) {
      const std::optional<uint64_t> tag = Varint();
      if (!tag || *tag >> 3 == 0 || *tag >> 32 != 0) return std::nullopt;
      const auto number = static_cast<uint32_t>(*tag >> 3);
      if ((*tag & 7) == 4) return number == group ? std::optional(std::move(fields)) : std::nullopt;
      fields.push_back({.number = number, .type = static_cast<int>(*tag & 7)});
      if (!Content(fields.back(), depth)) return std::nullopt;
    }
    return group == 0 ? std::optional(std::move(fields)) : std::nullopt;
  }

 private:
  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70 && at_ < wire_.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(wire_[at_++]);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  bool Fixed(uint64_t& bits, size_t size) {
    if (wire_.size() - at_ < size) return false;
    std::memcpy(&bits, wire_.data() + at_, size);
    at_ += size;
    return true;
  }

  bool Content(WireField& field, int depth) {
    if (field.type == 1) return Fixed(field.bits, 8);
    if (field.type == 5) return Fixed(field.bits, 4);
    if (field.type == 3) {
      std::optional<Fields> fields;
      if (depth < kMaxDepth) fields = Message(depth + 1, field.number);
      if (fields) field.fields = *std::move(fields);
      return field.is_message = fields.has_value();
    }
    const std::optional<uint64_t> number = Varint();
    if (!number || (field.type != 0 && field.type != 2)) return false;
    field.bits = *number;
    if (field.type == 0) return true;
    if (*number > wire_.size() - at_) return false;
    field.text = wire_.substr(at_, *number);
    at_ += *number;
    std::optional<Fields> fields;
    if (!field.text.empty() && depth < kMaxDepth) fields = Parser(field.text).Message(depth + 1);
    field.is_message = fields.has_value();
    if (fields) field.fields = *std::move(fields);
    return true;
  }

  const std::string& wire_;
  size_t at_ = 0;
};

std::string WriteWire(const Fields& fields);

void AppendVarint(uint64_t value, int padding, std::string& to) {
  for (; value >= 0x80 || padding > 0; value >>= 7) {
    if (value < 0x80) --padding;
    to.push_back(static_cast<char>(value | 0x80));
  }
  to.push_back(static_cast<char>(value));
}

void AppendField(const WireField& field, std::string& to) {
  const uint64_t tag = uint64_t{field.number} << 3;
  AppendVarint(tag | static_cast<uint64_t>(field.type), field.tag_padding, to);
  if (field.type == 0) AppendVarint(field.bits, field.padding, to);
  if (field.type == 1 || field.type == 5) {
    to.append(reinterpret_cast<const char*>(&field.bits), field.type == 1 ? 8 : 4);
  }
  if (field.type != 2 && field.type != 3) return;
  const std::string content = field.is_message ? WriteWire(field.fields) : field.text;
  if (field.type == 2) AppendVarint(content.size(), field.padding, to);
  to += content;
  if (field.type == 3) AppendVarint(tag | 4, field.tag_padding, to);
}

std::string WriteWire(const Fields& fields) {
  std::string wire;
  for (const WireField& field : fields) AppendField(field, wire);
  return wire;
}

// Every list of fields in the tree, the outermost first.
void Collect(Fields& fields, std::vector<Fields*>& to) {
  to.push_back(&fields);
  for (WireField& field : fields) {
    if (field.is_message) Collect(field.fields, to);
  }
}

template <typename T>
const T& Pick(const std::vector<T>& from, std::mt19937& random) {
  return from[random() % from.size()];
}

uint64_t EdgeNumber(std::mt19937& random) {
  static const std::vector<uint64_t> kEdges = {0,
                                               1,
                                               2,
                                               9,
                                               10,
                                               11,
                                               127,
                                               128,
                                               (1u << 31) - 1,
                                               1u << 31,
                                               (uint64_t{1} << 32) + 9,
                                               ~0ull,
                                               ~0ull >> 1,
                                               1ull << 63,
                                               1ull << 62,
                                               1ull << 32};
  return Pick(kEdges, random);
}

// Whole code points, the edges of them, and what only looks like them.
std::string EdgeText(std::mt19937& random) {
  using namespace std::string_literals;
  static const std::vector<std::string> kTexts = {""s,
                                                  "\0"s,
                                                  "a"s,
                                                  "\x7f"s,
                                                  "\x80"s,
                                                  "\xc2\x80"s,
                                                  "\xc1\xbf"s,
                                                  "\xe0\x9f\xbf"s,
                                                  "\xed\x9f\xbf"s,
                                                  "\xed\xa0\x80"s,
                                                  "\xef\xbf\xbf"s,
                                                  "\xf0\x8f\xbf\xbf"s,
                                                  "\xf4\x8f\xbf\xbf"s,
                                                  "\xf4\x90\x80\x80"s,
                                                  "\xc3"s,
                                                  "\xe2\x82"s,
                                                  "\xf0\x9f\x98"s,
                                                  "\xff"s};
  return Pick(kTexts, random) + Pick(kTexts, random);
}

void WrapInGroups(Fields& fields, size_t at, unsigned levels) {
  for (unsigned i = 0; i < levels; ++i) {
    WireField group = {.number = fields[at].number, .type = 3, .is_message = true};
    group.fields.push_back(std::move(fields[at]));
    fields[at] = std::move(group);
  }
}

// Changes one field, which stays where it is.
void Alter(WireField& field, std::mt19937& random) {
  switch (random() % 7) {
    case 0:
      field.number = 1 + random() % 9;
      break;
    case 1:
      field.type = Pick<int>({0, 1, 2, 3, 5}, random);
      field.is_message = field.is_message || field.type == 3;
      break;
    case 2:
      field.bits = EdgeNumber(random);
      break;
    case 3:
      field.is_message = false;
      field.text = EdgeText(random);
      break;
    case 4:
      field.text.resize(random() % 10, 'x');
      break;
    case 5:
      field.padding = static_cast<int>(random() % 10);
      break;
    default:
      field.tag_padding = static_cast<int>(random() % 5);
  }
}

void MutateFields(Fields& message, std::mt19937& random) {
  std::vector<Fields*> lists;
  Collect(message, lists);
  Fields& fields = *Pick(lists, random);
  const Fields& source = *Pick(lists, random);
  if (fields.empty()) return;
  const size_t at = random() % fields.size();
  switch (random() % 8) {
    case 0:
      fields.erase(fields.begin() + static_cast<ptrdiff_t>(at));
      break;
    case 1:
      fields.push_back(WireField(fields[at]));
      break;
    case 2:
      std::swap(fields[at], fields[random() % fields.size()]);
      break;
    case 3:
      if (!source.empty()) fields.push_back(WireField(Pick(source, random)));
      break;
    case 4:
      WrapInGroups(fields, at, random() % 4 == 0 ? 90 + random() % 12 : 1);
      break;
    default:
      Alter(fields[at], random);
  }
}

void TearBytes(std::string& wire, std::mt19937& random) {
  if (wire.empty()) return;
  const size_t at = random() % wire.size();
  switch (random() % 3) {
    case 0:
      wire[at] = static_cast<char>(random());
      break;
    case 1:
      wire.resize(at);
      break;
    default:
      wire.insert(at, 1, static_cast<char>(random()));
  }
}

}  // namespace

std::string MutateWire(const std::string& wire, std::mt19937& random) {
  std::string mutated = wire;
  if (std::optional<Fields> fields = Parser(wire).Message(0)) {
    for (unsigned i = 0; i <= random() % 3; ++i) MutateFields(*fields, random);
    mutated = WriteWire(*fields);
  }
  if (random() % 4 == 0) TearBytes(mutated, random);
  return mutated;
}

}  // namespace torchere
