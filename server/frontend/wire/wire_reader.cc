// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/wire/wire_reader.h"

#include <limits>

namespace torchere {
namespace {

// The library's bounds: on messages and groups inside each other, on the varint of a
// length, and on the length.
constexpr int kMaxDepth = 100;
constexpr size_t kMaxLengthBytes = 5;
constexpr uint64_t kMaxLength = std::numeric_limits<int32_t>::max();

}  // namespace

bool WireReader::Fail() {
  malformed_ = true;
  return false;
}

bool WireReader::NextField() {
  if (malformed_ || left() == 0) return false;
  return Tag() && type_ != Type::kEndGroup ? true : Fail();
}

// A tag is a varint of at most 5 bytes, of which 32 bits count; field 0 and
// types 6 and 7 do not exist.
bool WireReader::Tag() {
  uint32_t tag = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    if (left() == 0) return Fail();
    const uint32_t byte = reader_.Next();
    tag |= (byte & 0x7fu) << shift;
    if (byte < 0x80) {
      field_ = tag >> 3;
      type_ = static_cast<Type>(tag & 7u);
      return field_ == 0 || (tag & 7u) > 5 ? Fail() : true;
    }
  }
  return Fail();
}

bool WireReader::Varint(uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (left() == 0) return Fail();
    const uint64_t byte = reader_.Next();
    // Of a tenth byte only the lowest bit counts.
    value |= (byte & 0x7fu) << shift;
    if (byte < 0x80) return true;
  }
  return Fail();
}

bool WireReader::Fixed64(uint64_t& value) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  if (left() < sizeof value) return Fail();
  reader_.Read(&value, sizeof value);
  return true;
}

bool WireReader::Length(size_t& length) {
  const size_t before = left();
  uint64_t value = 0;
  if (!Varint(value)) return false;
  if (before - left() > kMaxLengthBytes || value > kMaxLength || value > left()) return Fail();
  length = static_cast<size_t>(value);
  return true;
}

bool WireReader::Text(std::string& text) {
  size_t length = 0;
  if (!Length(length)) return false;
  text.resize(length);
  reader_.Read(text.data(), length);
  return true;
}

bool WireReader::Rope(Bytes& bytes) {
  size_t length = 0;
  if (!Length(length)) return false;
  bytes = reader_.Take(length);
  return true;
}

bool WireReader::Enter(size_t& outer) {
  size_t length = 0;
  if (!Length(length)) return false;
  if (++depth_ > kMaxDepth) return Fail();
  outer = end_;
  end_ = reader_.left() - length;
  return true;
}

bool WireReader::Leave(size_t outer) {
  if (malformed_ || left() != 0) return Fail();
  --depth_;
  end_ = outer;
  return true;
}

bool WireReader::Skip(int depth) {
  uint64_t ignored = 0;
  size_t length = 0;
  switch (type_) {
    case Type::kVarint:
      return Varint(ignored);
    case Type::kFixed64:
      return Fixed64(ignored);
    case Type::kBytes:
      if (!Length(length)) return false;
      reader_.Skip(length);
      return true;
    case Type::kStartGroup:
      return SkipGroup(depth + 1);
    case Type::kFixed32:
      if (left() < 4) return Fail();
      reader_.Skip(4);
      return true;
    case Type::kEndGroup:
      break;
  }
  return Fail();
}

bool WireReader::SkipGroup(int depth) {
  if (depth > kMaxDepth) return Fail();
  const uint32_t group = field_;
  while (left() > 0) {
    if (!Tag()) return false;
    if (type_ == Type::kEndGroup) return field_ == group ? true : Fail();
    if (!Skip(depth)) return false;
  }
  return Fail();
}

}  // namespace torchere
