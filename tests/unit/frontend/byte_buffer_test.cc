// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/byte_buffer.h"

#include <memory>
#include <string>

#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("ToByteBuffer keeps the rope's owners until the buffer has gone") {
  auto owner = std::make_shared<const std::string>(5000, 'x');
  const std::weak_ptr<const std::string> watch = owner;
  auto buffer = std::make_unique<grpc::ByteBuffer>();
  {
    Bytes bytes;
    bytes.Append({owner->data(), owner->size(), owner});
    *buffer = ToByteBuffer(bytes);
  }
  owner.reset();
  CHECK_FALSE(watch.expired());
  CHECK(ToBytes(*buffer).ToString() == std::string(5000, 'x'));
  buffer.reset();
  CHECK(watch.expired());
}

TEST_CASE("ToBytes keeps the bytes of short and long slices after the buffer has gone") {
  Bytes bytes;
  {
    const grpc::Slice slices[] = {grpc::Slice("short"), grpc::Slice(std::string(1000, 'l'))};
    const grpc::ByteBuffer buffer(slices, 2);
    bytes = ToBytes(buffer);
  }
  CHECK(bytes.ToString() == "short" + std::string(1000, 'l'));
}

TEST_CASE("ToBytes keeps the bytes of a lone slice after the buffer has gone") {
  const std::string text(GENERATE(1, 1000), 'x');
  Bytes bytes;
  {
    const grpc::Slice slice(text);
    bytes = ToBytes(grpc::ByteBuffer(&slice, 1));
  }
  CHECK(bytes.ToString() == text);
}

TEST_CASE("ToBytes of no message is empty") { CHECK(ToBytes(grpc::ByteBuffer()).empty()); }

}  // namespace
}  // namespace torchere
