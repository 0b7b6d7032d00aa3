// SPDX-License-Identifier: Apache-2.0
#include "bench/grpc/stream_frame.h"

#include <vector>

namespace torchere::bench {
namespace {

constexpr uint8_t kId = 1 << 3, kMessage = 2 << 3 | 2, kError = 3 << 3 | 2;

void PutVarint(uint64_t value, std::string& to) {
  for (; value > 127; value >>= 7) to.push_back(static_cast<char>(value | 128));
  to.push_back(static_cast<char>(value));
}

// Reads on over the ends of slices.
class Reader {
 public:
  explicit Reader(const std::vector<grpc::Slice>& slices) : slices_(slices) {}

  // -1 at the end.
  int Byte() {
    while (slice_ < slices_.size() && at_ == slices_[slice_].size()) {
      ++slice_;
      at_ = 0;
    }
    return slice_ < slices_.size() ? slices_[slice_].begin()[at_++] : -1;
  }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const int byte = Byte();
      if (byte < 0) return 0;
      value |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) break;
    }
    return value;
  }

  std::string Rest() {
    std::string rest;
    for (; slice_ < slices_.size(); ++slice_, at_ = 0) {
      const grpc::Slice& slice = slices_[slice_];
      rest.append(reinterpret_cast<const char*>(slice.begin()) + at_, slice.size() - at_);
    }
    return rest;
  }

 private:
  const std::vector<grpc::Slice>& slices_;
  size_t slice_ = 0;
  size_t at_ = 0;
};

}  // namespace

grpc::ByteBuffer Frame(uint64_t id, const grpc::ByteBuffer& message) {
  std::string head(1, static_cast<char>(kId));
  PutVarint(id, head);
  head.push_back(static_cast<char>(kMessage));
  PutVarint(message.Length(), head);
  std::vector<grpc::Slice> slices;
  if (!message.Dump(&slices).ok()) return {};
  slices.insert(slices.begin(), grpc::Slice(head));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

Unframed Unframe(const grpc::ByteBuffer& buffer, bool with_content) {
  Unframed unframed;
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return unframed;
  Reader reader(slices);
  if (reader.Byte() != kId) return unframed;
  const uint64_t id = reader.Varint();
  const int kind = reader.Byte();
  if (kind != kMessage && kind != kError) return unframed;
  unframed.id = id;
  unframed.is_error = kind == kError;
  reader.Varint();
  if (with_content || unframed.is_error) unframed.content = reader.Rest();
  return unframed;
}

}  // namespace torchere::bench
