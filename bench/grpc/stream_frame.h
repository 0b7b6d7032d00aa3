// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <string>

namespace torchere::bench {

// PredictStreamRequest and PredictStreamResponse begin alike: `uint64 id = 1`, then the unary
// message as field 2, or an error as field 3. Framed by hand, so that the unary message is shared
// by all and copied by none.

// Field 2 around `message`, after the id.
grpc::ByteBuffer Frame(uint64_t id, const grpc::ByteBuffer& message);

struct Unframed {
  // 0 where the message is none of these.
  uint64_t id = 0;
  bool is_error = false;
  // What field 2 or 3 holds; empty unless `with_content`.
  std::string content;
};

// Takes an id above 0.
Unframed Unframe(const grpc::ByteBuffer& buffer, bool with_content);

}  // namespace torchere::bench
