// SPDX-License-Identifier: Apache-2.0
#include "server/request/value.h"

#include "tests/support/catch.h"
#include "tests/unit/request/values.h"

namespace torchere {
namespace {

TEST_CASE("KindName names each kind of value", "[request]") {
  CHECK(KindName(None()) == "null");
  CHECK(KindName(MakeTensor()) == "a tensor");
  CHECK(KindName(Text("x")) == "text");
  CHECK(KindName(Int(1)) == "an int");
  CHECK(KindName(Float(1)) == "a float");
  CHECK(KindName(Bool(true)) == "a bool");
  CHECK(KindName(MakeList({})) == "a list");
  CHECK(KindName(MakeMap({})) == "a map");
}

}  // namespace
}  // namespace torchere
