// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/callers.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <chrono>
#include <cstring>
#include <string>

#include "tests/support/catch.h"

namespace torchere {
namespace {

constexpr Time kStart{std::chrono::hours(1)};
const std::string kOne = "ipv4:10.0.0.1:40000", kTwo = "ipv4:10.0.0.1:40001";

TEST_CASE("Callers know by which endpoint a remote address came in") {
  Callers callers;
  CHECK(callers.all_at_first());
  REQUIRE(callers.Enter(kOne, 0, kStart));
  CHECK(callers.all_at_first());
  REQUIRE(callers.Enter(kTwo, 1, kStart));
  CHECK_FALSE(callers.all_at_first());
  CHECK_FALSE(callers.EndpointOf("ipv4:10.0.0.2:40000"));
  CHECK(callers.EndpointOf(kOne) == 0);
  CHECK(callers.EndpointOf(kTwo) == 1);
}

TEST_CASE("A remote address is at one endpoint at a time") {
  Callers callers;
  REQUIRE(callers.Enter(kOne, 1, kStart));
  CHECK_FALSE(callers.Enter(kOne, 0, kStart));
  REQUIRE(callers.Enter(kTwo, 0, kStart));
  CHECK_FALSE(callers.Enter(kTwo, 1, kStart));
  SECTION("with one connection or more") {
    REQUIRE(callers.Enter(kTwo, 0, kStart));
    callers.Leave(kTwo, kStart);
    CHECK_FALSE(callers.Enter(kTwo, 1, kStart));
  }
  SECTION("and may then be at another") {
    callers.Leave(kTwo, kStart);
    CHECK(callers.Enter(kTwo, 1, kStart));
    CHECK(callers.EndpointOf(kTwo) == 1);
  }
}

TEST_CASE("The last calls of a connection that has ended are known for what they are") {
  Callers callers;
  REQUIRE(callers.Enter(kOne, 1, kStart));
  callers.Leave(kOne, kStart);
  CHECK_FALSE(callers.all_at_first());
  CHECK(callers.EndpointOf(kOne) == 1);
  CHECK_FALSE(callers.Enter(kOne, 0, kStart));
  SECTION("until it has long been gone") {
    const Time later = kStart + std::chrono::minutes(1);
    CHECK(callers.Enter(kOne, 0, later));
    CHECK(callers.all_at_first());
  }
  SECTION("and is forgotten also where nobody comes") {
    callers.ForgetGone(kStart + std::chrono::minutes(1));
    CHECK(callers.all_at_first());
  }
  SECTION("and it may come back") {
    REQUIRE(callers.Enter(kOne, 1, kStart));
    const Time later = kStart + std::chrono::minutes(1);
    CHECK_FALSE(callers.Enter(kOne, 0, later));
    callers.Leave(kOne, later);
    CHECK_FALSE(callers.all_at_first());
    REQUIRE(callers.Enter(kTwo, 0, later + std::chrono::minutes(1)));
    CHECK(callers.all_at_first());
  }
}

std::string NameV6(const char* address, uint32_t scope = 0) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(40000);
  v6.sin6_scope_id = scope;
  REQUIRE(inet_pton(AF_INET6, address, &v6.sin6_addr) == 1);
  sockaddr_storage storage{};
  std::memcpy(&storage, &v6, sizeof v6);
  return Callers::Name(storage);
}

TEST_CASE("Callers are named as gRPC names a call's peer") {
  CHECK(NameV6("::1") == "ipv6:%5B::1%5D:40000");
  CHECK(NameV6("fe80::1", 3) == "ipv6:%5Bfe80::1%253%5D:40000");
  CHECK(NameV6("::ffff:127.0.0.1") == "ipv4:127.0.0.1:40000");
  sockaddr_storage unix_socket{};
  unix_socket.ss_family = AF_UNIX;
  CHECK(Callers::Name(unix_socket).empty());
}

}  // namespace
}  // namespace torchere
