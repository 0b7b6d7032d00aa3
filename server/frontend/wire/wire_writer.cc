// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/wire/wire_writer.h"

namespace torchere {
namespace {

// A piece of its own costs more than copying so much.
constexpr size_t kCopyBelow = 4096;

constexpr uint64_t kVarint = 0, kFixed64 = 1, kBytes = 2;

uint64_t Tag(uint32_t field, uint64_t type) { return uint64_t{field} << 3 | type; }

}  // namespace

void WireWriter::Raw(uint64_t varint) {
  while (varint >= 0x80) {
    text_.push_back(static_cast<char>(varint | 0x80));
    varint >>= 7;
  }
  text_.push_back(static_cast<char>(varint));
}

void WireWriter::Varint(uint32_t field, uint64_t value) {
  Raw(Tag(field, kVarint));
  Raw(value);
}

void WireWriter::Fixed64(uint32_t field, uint64_t value) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  Raw(Tag(field, kFixed64));
  text_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void WireWriter::Text(uint32_t field, absl::string_view text) {
  Raw(Tag(field, kBytes));
  Raw(text.size());
  text_.append(text.data(), text.size());
}

void WireWriter::Rope(uint32_t field, const Bytes& bytes) {
  Raw(Tag(field, kBytes));
  Raw(bytes.size());
  for (const Bytes::Piece& piece : bytes.pieces()) {
    if (piece.size < kCopyBelow) {
      text_.append(piece.data, piece.size);
      continue;
    }
    if (!text_.empty()) done_.Append(Bytes(std::exchange(text_, {})));
    done_.Append(piece);
  }
}

Bytes WireWriter::Finish() && {
  if (!text_.empty()) done_.Append(Bytes(std::move(text_)));
  return std::move(done_);
}

}  // namespace torchere
