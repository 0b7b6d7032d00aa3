// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/names.h"

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

TEST_CASE("the name that was meant is the nearest of those known", "[cli]") {
  CHECK(NearestName("digitz", {"wine", "digits"}) == "digits");
  CHECK(NearestName("Wine", {"wine", "digits"}) == "wine");
  CHECK(NearestName("pixel", {"pixels", "pixela_b"}) == "pixels");
  CHECK(NearestName("fratures", {"creatures", "features"}) == "features");
}

TEST_CASE("a name near to nothing has no nearest one", "[cli]") {
  CHECK_FALSE(NearestName("resnet", {"wine", "digits"}));
  CHECK_FALSE(NearestName("a", {"b"}));
  CHECK_FALSE(NearestName("", {"b"}));
  CHECK_FALSE(NearestName("digits", {}));
}

}  // namespace
}  // namespace torchere::cli
