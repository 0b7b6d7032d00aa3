// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/wire/wire_writer.h"

#include <memory>
#include <utility>

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
    } else {
      cuts_.push_back({text_.size(), piece});
      cut_bytes_ += piece.size;
    }
  }
}

WireWriter::Opened WireWriter::Open(uint32_t field) {
  Raw(Tag(field, kBytes));
  const Opened opened{text_.size(), cuts_.size(), cut_bytes_};
  text_.push_back('\0');
  return opened;
}

void WireWriter::Close(const Opened& opened) {
  const size_t in_text = text_.size() - opened.length_at - 1;
  uint64_t length = in_text + (cut_bytes_ - opened.cut_bytes);
  size_t at = opened.length_at;
  for (; length >= 0x80; length >>= 7, ++at) {
    text_[at] = static_cast<char>(length | 0x80);
    text_.insert(at + 1, 1, '\0');
  }
  text_[at] = static_cast<char>(length);
  for (size_t i = opened.cuts; i < cuts_.size(); ++i) cuts_[i].at += at - opened.length_at;
}

Bytes WireWriter::Finish() && {
  if (cuts_.empty()) return text_.empty() ? Bytes() : Bytes(std::move(text_));
  const auto text = std::make_shared<const std::string>(std::move(text_));
  Bytes all;
  size_t done = 0;
  for (Cut& cut : cuts_) {
    all.Append({text->data() + done, cut.at - done, text});
    all.Append(std::move(cut.piece));
    done = cut.at;
  }
  all.Append({text->data() + done, text->size() - done, text});
  return all;
}

}  // namespace torchere
