// SPDX-License-Identifier: Apache-2.0
#include "server/request/ticket.h"

#include <utility>

#include "tests/support/catch.h"

namespace torchere {
namespace {

// Counts what is out, up to a limit in bytes.
class Office final : public TicketOffice {
 public:
  explicit Office(int64_t max_bytes) : max_bytes_(max_bytes) {}

  Ticket Give(int64_t bytes) {
    ++requests;
    out += bytes;
    return Ticket(*this, bytes);
  }
  absl::Status Exchange(int64_t from, int64_t to) override {
    if (out - from + to > max_bytes_) return absl::ResourceExhaustedError("full");
    out += to - from;
    return absl::OkStatus();
  }
  void Return(int64_t bytes) override {
    --requests;
    out -= bytes;
  }

  int requests = 0;
  int64_t out = 0;

 private:
  int64_t max_bytes_;
};

TEST_CASE("Ticket gives its place back at its end, once", "[request]") {
  Office office(100);
  {
    const Ticket ticket = office.Give(40);
    CHECK(ticket.bytes() == 40);
    CHECK(office.out == 40);
  }
  CHECK(office.out == 0);
  CHECK(office.requests == 0);
}

TEST_CASE("Ticket takes its place along when it is moved", "[request]") {
  Office office(100);
  Ticket outer;
  {
    Ticket inner = office.Give(40);
    Ticket moved(std::move(inner));
    outer = std::move(moved);
  }
  CHECK(office.out == 40);
  CHECK(office.requests == 1);
  CHECK(outer.bytes() == 40);
  outer = Ticket();
  CHECK(office.out == 0);
  CHECK(office.requests == 0);
}

TEST_CASE("Ticket returns each place once when one is moved over another", "[request]") {
  Office office(100);
  {
    Ticket first = office.Give(10);
    Ticket second = office.Give(20);
    first = std::move(second);
    CHECK(first.bytes() == 20);
  }
  CHECK(office.out == 0);
  CHECK(office.requests == 0);
}

TEST_CASE("Ticket is resized where there is room and stays what it was where not", "[request]") {
  Office office(100);
  {
    Ticket ticket = office.Give(40);
    REQUIRE(ticket.Resize(90).ok());
    CHECK(ticket.bytes() == 90);
    CHECK(office.out == 90);
    CHECK(absl::IsResourceExhausted(ticket.Resize(101)));
    CHECK(ticket.bytes() == 90);
    CHECK(office.out == 90);
    REQUIRE(ticket.Resize(1).ok());
    CHECK(office.out == 1);
  }
  CHECK(office.out == 0);
}

TEST_CASE("Ticket of no office holds no place", "[request]") {
  Ticket ticket;
  CHECK(ticket.Resize(1'000'000).ok());
  CHECK(ticket.bytes() == 0);
}

}  // namespace
}  // namespace torchere
