// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/listen_address.h"

#include <unistd.h>

#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("ParseListenAddress reads HOST:PORT") {
  CHECK(ParseListenAddress("127.0.0.1:8500")->host == "127.0.0.1");
  CHECK(ParseListenAddress("127.0.0.1:8500")->port == 8500);
  CHECK(ParseListenAddress("[::1]:0")->host == "::1");
  CHECK(Text(*ParseListenAddress("[::1]:80")) == "[::1]:80");
}

TEST_CASE("ParseListenAddress refuses what is none, and names it") {
  const auto text = GENERATE("8500", "127.0.0.1", "127.0.0.1:", ":8500", "127.0.0.1:65536",
                             "127.0.0.1:-1", "127.0.0.1:http", "::1:8500", "");
  const auto address = ParseListenAddress(text);
  REQUIRE(absl::IsInvalidArgument(address.status()));
  CHECK(address.status().message().find(text) != absl::string_view::npos);
}

TEST_CASE("OpenListener takes any free port for port 0, and refuses one that is taken") {
  const auto first = OpenListener({"127.0.0.1", 0}, false);
  REQUIRE(first.ok());
  CHECK(first->address.port != 0);
  const auto second = OpenListener(first->address, false);
  CHECK(absl::IsFailedPrecondition(second.status()));
  CHECK(second.status().message().find("in use") != absl::string_view::npos);
  close(first->fd);
}

TEST_CASE("OpenListener listens on what is not loopback only when that is allowed") {
  const absl::Status refused = OpenListener({"0.0.0.0", 0}, false).status();
  CHECK(absl::IsInvalidArgument(refused));
  CHECK(refused.message().find("--insecure") != absl::string_view::npos);
  CHECK(absl::IsInvalidArgument(OpenListener({"no such host", 0}, false).status()));
}

}  // namespace
}  // namespace torchere
