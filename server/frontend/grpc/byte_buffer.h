// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include "server/request/bytes.h"

namespace torchere {

// The buffer's slices as a rope that keeps them: nothing is copied.
Bytes ToBytes(const grpc::ByteBuffer& buffer);

// The rope's pieces as slices that keep their owners: nothing is copied but what
// is short.
grpc::ByteBuffer ToByteBuffer(const Bytes& bytes);

}  // namespace torchere
