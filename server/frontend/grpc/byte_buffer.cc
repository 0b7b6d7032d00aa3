// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/byte_buffer.h"

#include <memory>
#include <vector>

namespace torchere {

Bytes ToBytes(const grpc::ByteBuffer& buffer) {
  Bytes bytes;
  if (!buffer.Valid()) return bytes;
  // A short slice holds its bytes itself, so the slices must stay where they are.
  auto slices = std::make_shared<std::vector<grpc::Slice>>();
  if (!buffer.Dump(slices.get()).ok()) return bytes;
  for (const grpc::Slice& slice : *slices) {
    bytes.Append({reinterpret_cast<const char*>(slice.begin()), slice.size(), slices});
  }
  return bytes;
}

grpc::ByteBuffer ToByteBuffer(const Bytes& bytes) {
  using Owner = std::shared_ptr<const void>;
  std::vector<grpc::Slice> slices;
  slices.reserve(bytes.pieces().size());
  for (const Bytes::Piece& piece : bytes.pieces()) {
    slices.emplace_back(
        const_cast<char*>(piece.data), piece.size,
        [](void* owner) { delete static_cast<Owner*>(owner); }, new Owner(piece.owner));
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace torchere
