// SPDX-License-Identifier: Apache-2.0
#include "server/admission/gate.h"

#include <optional>
#include <thread>
#include <vector>

#include "server/request/error.h"
#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("Gate lets in as many requests as its limit, and one more once one has left") {
  Gate gate({.max_requests_in_flight = 2, .max_bytes_in_flight = 100});
  std::optional<Ticket> first = *gate.Enter(1);
  const auto second = gate.Enter(1);
  REQUIRE(second.ok());
  const auto refused = gate.Enter(1);
  REQUIRE(absl::IsResourceExhausted(refused.status()));
  CHECK(DetailsOf(refused.status()).reason == "SERVER_FULL");
  CHECK(DetailsOf(refused.status()).metadata.at("limit") == "--max-requests-in-flight");
  CHECK(DetailsOf(refused.status()).retry_after.has_value());
  first.reset();
  CHECK(gate.Enter(1).ok());
}

TEST_CASE("Gate lets in as many bytes as its limit") {
  Gate gate({.max_requests_in_flight = 10, .max_bytes_in_flight = 100});
  auto ticket = gate.Enter(60);
  REQUIRE(ticket.ok());
  SECTION("a request that does not fit is refused and leaves nothing behind") {
    CHECK(absl::IsResourceExhausted(gate.Enter(41).status()));
    CHECK(gate.requests_in_flight() == 1);
    CHECK(gate.bytes_in_flight() == 60);
  }
  SECTION("a ticket grows up to the limit") {
    CHECK(ticket->Resize(100).ok());
    CHECK(gate.bytes_in_flight() == 100);
  }
  SECTION("a ticket that may not grow stays what it was") {
    const auto other = gate.Enter(30);
    CHECK(DetailsOf(ticket->Resize(80)).reason == "SERVER_FULL");
    CHECK(ticket->bytes() == 60);
    CHECK(gate.bytes_in_flight() == 90);
  }
  SECTION("a ticket that shrinks makes room") {
    CHECK(ticket->Resize(10).ok());
    CHECK(gate.Enter(90).ok());
  }
}

TEST_CASE("Gate says of what can never fit that it is too large, not to try again") {
  Gate gate({.max_requests_in_flight = 10, .max_bytes_in_flight = 100});
  auto ticket = gate.Enter(1);
  REQUIRE(ticket.ok());
  const absl::Status status = ticket->Resize(101);
  CHECK(absl::IsResourceExhausted(status));
  CHECK(DetailsOf(status).reason == "MESSAGE_TOO_LARGE");
  CHECK_FALSE(DetailsOf(status).retry_after.has_value());
}

TEST_CASE("Gate lets an empty server's caller in, however large its guess") {
  Gate gate({.max_requests_in_flight = 10, .max_bytes_in_flight = 100});
  auto ticket = gate.Enter(1000);
  REQUIRE(ticket.ok());
  CHECK(ticket->bytes() == 100);
  CHECK(ticket->Resize(5).ok());
  CHECK(gate.Enter(95).ok());
}

TEST_CASE("Gate is empty again when all tickets have ended, whatever the threads did") {
  Gate gate({.max_requests_in_flight = 3, .max_bytes_in_flight = 1000});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&gate] {
      for (int64_t k = 0; k < 2000; ++k) {
        auto ticket = gate.Enter(k % 300);
        if (ticket.ok()) (void)ticket->Resize(k % 500);
      }
    });
  }
  threads.clear();
  CHECK(gate.requests_in_flight() == 0);
  CHECK(gate.bytes_in_flight() == 0);
}

}  // namespace
}  // namespace torchere
