// SPDX-License-Identifier: Apache-2.0
#include "server/request/bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace torchere {

Bytes::Bytes(std::string text) {
  auto owner = std::make_shared<const std::string>(std::move(text));
  const char* data = owner->data();
  const size_t size = owner->size();
  Append(Piece{data, size, std::move(owner)});
}

void Bytes::Append(Piece piece) {
  if (piece.size == 0) return;
  size_ += piece.size;
  pieces_.push_back(std::move(piece));
}

void Bytes::Append(const Bytes& other) {
  // By index and to the first count: `other` may be this very rope.
  const size_t count = other.pieces_.size();
  for (size_t i = 0; i < count; ++i) Append(Piece(other.pieces_[i]));
}

void Bytes::CopyTo(void* to) const {
  char* next = static_cast<char*>(to);
  for (const Piece& piece : pieces_) {
    std::memcpy(next, piece.data, piece.size);
    next += piece.size;
  }
}

std::string Bytes::ToString() const {
  std::string text(size_, '\0');
  CopyTo(text.data());
  return text;
}

template <typename F>
void BytesReader::ForEachStretch(size_t size, F f) {
  left_ -= size;
  while (size > 0) {
    const Bytes::Piece& piece = bytes_.pieces()[piece_];
    const size_t stretch = std::min(size, piece.size - offset_);
    f(piece, piece.data + offset_, stretch);
    size -= stretch;
    offset_ += stretch;
    if (offset_ == piece.size) {
      ++piece_;
      offset_ = 0;
    }
  }
}

unsigned char BytesReader::Next() {
  const Bytes::Piece& piece = bytes_.pieces()[piece_];
  const unsigned char byte = static_cast<unsigned char>(piece.data[offset_]);
  --left_;
  if (++offset_ == piece.size) {
    ++piece_;
    offset_ = 0;
  }
  return byte;
}

Bytes BytesReader::Take(size_t size) {
  Bytes taken;
  ForEachStretch(size, [&taken](const Bytes::Piece& piece, const char* data, size_t stretch) {
    taken.Append(Bytes::Piece{data, stretch, piece.owner});
  });
  return taken;
}

void BytesReader::Read(void* to, size_t size) {
  char* next = static_cast<char*>(to);
  ForEachStretch(size, [&next](const Bytes::Piece&, const char* data, size_t stretch) {
    std::memcpy(next, data, stretch);
    next += stretch;
  });
}

void BytesReader::Skip(size_t size) {
  ForEachStretch(size, [](const Bytes::Piece&, const char*, size_t) {});
}

}  // namespace torchere
