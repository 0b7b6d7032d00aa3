// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"

namespace torchere {

// A rope: bytes that lie in pieces, in order, each kept alive by its owner.
// Copies and sub-ropes share the pieces; the bytes are never changed.
class Bytes {
 public:
  struct Piece {
    const char* data = nullptr;
    size_t size = 0;
    std::shared_ptr<const void> owner;
  };
  using Pieces = absl::InlinedVector<Piece, 1>;

  Bytes() = default;
  // Takes the string as its only piece.
  explicit Bytes(std::string text);

  // Adds a piece at the end; an empty one is left out.
  void Append(Piece piece);
  void Append(const Bytes& other);

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Pieces& pieces() const { return pieces_; }

  // Writes all size() bytes to `to`.
  void CopyTo(void* to) const;
  std::string ToString() const;

 private:
  Pieces pieces_;
  size_t size_ = 0;
};

// Reads a rope from front to back, across its pieces. Borrows the rope.
class BytesReader {
 public:
  explicit BytesReader(const Bytes& bytes) : bytes_(bytes), left_(bytes.size()) {}

  // Bytes not yet read.
  size_t left() const { return left_; }

  // The next byte; left() must not be 0.
  unsigned char Next();

  // The next `size` bytes, at most left(), without copying them.
  Bytes Take(size_t size);

  // Copies the next `size` bytes, at most left(), to `to`.
  void Read(void* to, size_t size);

  void Skip(size_t size);

 private:
  // Calls f(data, size) for each stretch of the next `size` bytes.
  template <typename F>
  void ForEachStretch(size_t size, F f);

  const Bytes& bytes_;
  size_t piece_ = 0;
  size_t offset_ = 0;
  size_t left_;
};

}  // namespace torchere
