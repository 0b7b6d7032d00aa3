// SPDX-License-Identifier: Apache-2.0
#include "server/registry/sha256.h"

#include "absl/strings/match.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

// The example values of FIPS 180-4.
constexpr char kOfNothing[] =
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kOfAbc[] = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kOfMillionA[] =
    "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST_CASE("FileDigest is the SHA-256 of the file's bytes", "[registry]") {
  const TempFolder folder;
  CHECK(FileDigest(folder.Write("nothing")).value() == kOfNothing);
  CHECK(FileDigest(folder.Write("abc", "abc")).value() == kOfAbc);
  CHECK(FileDigest(folder.Write("million", std::string(1'000'000, 'a'))).value() == kOfMillionA);
}

TEST_CASE("FileDigest joins the pieces that a long file is read in", "[registry]") {
  // Of 3 MiB and one byte: more than two pieces, and none of them even.
  const TempFolder folder;
  const std::string content(3 * 1024 * 1024 + 1, 'x');
  CHECK(FileDigest(folder.Write("long", content)).value() ==
        "sha256:d7e5697503e2fe5e59e91384af0f8566f4269f6fb21d6d31a66d61196fe4f0ae");
}

TEST_CASE("FileDigest follows a link", "[registry]") {
  const TempFolder folder;
  folder.Write("abc", "abc");
  folder.Link("link", "abc");
  CHECK(FileDigest(folder.Path("link")).value() == kOfAbc);
}

TEST_CASE("FileDigest names the file that it cannot read", "[registry]") {
  const TempFolder folder;
  SECTION("because it is missing") {
    const auto digest = FileDigest(folder.Path("none.pt"));
    CHECK(absl::IsNotFound(digest.status()));
    CHECK(absl::StrContains(digest.status().message(), folder.Path("none.pt")));
  }
  SECTION("because it is a folder") {
    const auto digest = FileDigest(folder.Path());
    CHECK(absl::IsInvalidArgument(digest.status()));
    CHECK(absl::StrContains(digest.status().message(), folder.Path()));
  }
  SECTION("because it is a device, which has no end") {
    CHECK(absl::IsInvalidArgument(FileDigest("/dev/zero").status()));
  }
}

}  // namespace
}  // namespace torchere
