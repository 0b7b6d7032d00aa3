// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/byte_buffer.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"

namespace torchere {

namespace {

// A slice of its own costs more than copying so much.
constexpr size_t kCopyBelow = 4096;

const char* DataOf(const grpc::Slice& slice) {
  return reinterpret_cast<const char*>(slice.begin());
}

}  // namespace

Bytes ToBytes(const grpc::ByteBuffer& buffer) {
  Bytes bytes;
  if (!buffer.Valid()) return bytes;
  // A short slice holds its bytes itself, so the slices must stay where they are.
  if (auto slice = std::make_shared<grpc::Slice>(); buffer.TrySingleSlice(slice.get()).ok()) {
    const char* data = DataOf(*slice);
    const size_t size = slice->size();
    bytes.Append({data, size, std::move(slice)});
    return bytes;
  }
  auto slices = std::make_shared<std::vector<grpc::Slice>>();
  if (!buffer.Dump(slices.get()).ok()) return bytes;
  for (const grpc::Slice& slice : *slices) bytes.Append({DataOf(slice), slice.size(), slices});
  return bytes;
}

grpc::ByteBuffer ToByteBuffer(const Bytes& bytes) {
  using Owner = std::shared_ptr<const void>;
  absl::InlinedVector<grpc::Slice, 4> slices;
  for (const Bytes::Piece& piece : bytes.pieces()) {
    if (piece.size < kCopyBelow) {
      slices.emplace_back(piece.data, piece.size);
    } else {
      slices.emplace_back(
          const_cast<char*>(piece.data), piece.size,
          [](void* owner) { delete static_cast<Owner*>(owner); }, new Owner(piece.owner));
    }
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace torchere
