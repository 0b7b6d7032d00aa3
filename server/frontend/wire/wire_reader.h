// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "server/request/bytes.h"

namespace torchere {

// Reads protobuf's wire format (protobuf.dev, "Encoding") from a rope, without
// the library: what is long stays where it is. It takes and refuses what the
// library's parser does. Every function is false once the bytes are malformed.
class WireReader {
 public:
  enum class Type {
    kVarint = 0,
    kFixed64 = 1,
    kBytes = 2,
    kStartGroup = 3,
    kEndGroup = 4,
    kFixed32 = 5
  };

  // Borrows the rope.
  explicit WireReader(const Bytes& bytes) : reader_(bytes) {}

  // The field that comes next in the message being read; false at its end, and
  // where the bytes are malformed.
  bool NextField();
  uint32_t field() const { return field_; }
  Type type() const { return type_; }
  bool Is(uint32_t field, Type type) const { return field_ == field && type_ == type; }

  bool Varint(uint64_t& value);
  bool Fixed64(uint64_t& value);

  // A length-delimited field: as text, or as a rope that shares the bytes.
  bool Text(std::string& text);
  bool Rope(Bytes& bytes);

  // Reads a message inside the one being read: f() reads its fields with
  // NextField() until that is false.
  template <typename F>
  bool Message(F f) {
    size_t outer = 0;
    if (!Enter(outer)) return false;
    f();
    return Leave(outer);
  }

  // Passes over the field's value, whatever it is.
  bool SkipField() { return Skip(depth_); }

  // Bytes left of the message being read.
  size_t left() const { return reader_.left() - end_; }

  bool malformed() const { return malformed_; }

 private:
  bool Fail();
  bool Tag();
  bool Length(size_t& length);
  bool Enter(size_t& outer);
  bool Leave(size_t outer);
  // `depth` messages and groups lie around the field, or the group.
  bool Skip(int depth);
  bool SkipGroup(int depth);

  BytesReader reader_;
  // reader_.left() at the end of the message being read.
  size_t end_ = 0;
  // Messages around it.
  int depth_ = 0;
  uint32_t field_ = 0;
  Type type_ = Type::kVarint;
  bool malformed_ = false;
};

}  // namespace torchere
