// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/message_sizes.h"

#include <string>

#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("MessageSizes expects of a caller what it has sent lately") {
  MessageSizes sizes;
  CHECK(sizes.Expected("a") == MessageSizes::kLeast);
  sizes.Note("a", 30 << 20);
  CHECK(sizes.Expected("a") == 30 << 20);
  CHECK(sizes.Expected("b") == MessageSizes::kLeast);
  for (int i = 0; i < 100; ++i) sizes.Note("a", 100);
  CHECK(sizes.Expected("a") == MessageSizes::kLeast);
}

TEST_CASE("MessageSizes forgets callers rather than growing without bound") {
  MessageSizes sizes;
  int remembered = 0;
  for (int i = 0; i < 10000; ++i) sizes.Note(std::to_string(i), 1 << 20);
  for (int i = 0; i < 10000; ++i) remembered += sizes.Expected(std::to_string(i)) == 1 << 20;
  CHECK(remembered == 4096);
}

}  // namespace
}  // namespace torchere
