// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/time_share.h"

#include "tests/support/catch.h"

namespace torchere {
namespace {

using std::chrono::milliseconds;

TEST_CASE("TimeShare lets work be done at once, and then keeps it to a tenth of the time") {
  const Time now = Time() + std::chrono::seconds(1000);
  TimeShare share;
  CHECK(share.next() <= now);
  share.Spent(now, now + milliseconds(2));
  CHECK(share.next() == now + milliseconds(20));
}

}  // namespace
}  // namespace torchere
