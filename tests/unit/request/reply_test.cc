// SPDX-License-Identifier: Apache-2.0
#include "server/request/reply.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace torchere {
namespace {

// Keeps the answers that it is given.
class Wire final : public ReplyTo {
 public:
  void Answer(absl::StatusOr<Response> answer) override { answers.push_back(std::move(answer)); }
  bool abandoned() const override { return is_abandoned; }

  std::vector<absl::StatusOr<Response>> answers;
  bool is_abandoned = false;
};

TEST_CASE("Reply hands the answer over, once", "[request]") {
  Wire wire;
  {
    Reply reply(wire);
    Response response;
    response.request_id = "mine";
    reply.Send(std::move(response));
    REQUIRE(wire.answers.size() == 1);
  }
  REQUIRE(wire.answers.size() == 1);
  REQUIRE(wire.answers[0].ok());
  CHECK(wire.answers[0]->request_id == "mine");
}

TEST_CASE("Reply hands an error over", "[request]") {
  Wire wire;
  Reply(wire).Send(absl::NotFoundError("no such model"));
  REQUIRE(wire.answers.size() == 1);
  CHECK(absl::IsNotFound(wire.answers[0].status()));
}

TEST_CASE("Reply that ends unused answers INTERNAL", "[request]") {
  Wire wire;
  { const Reply reply(wire); }
  REQUIRE(wire.answers.size() == 1);
  CHECK(absl::IsInternal(wire.answers[0].status()));
}

TEST_CASE("Reply takes the right to answer along when it is moved", "[request]") {
  Wire wire;
  {
    Reply inner(wire);
    Reply moved(std::move(inner));
    Reply outer;
    outer = std::move(moved);
    CHECK(wire.answers.empty());
    outer.Send(Response());
  }
  REQUIRE(wire.answers.size() == 1);
  CHECK(wire.answers[0].ok());
}

TEST_CASE("Reply answers both requests when one is moved over another", "[request]") {
  Wire first_wire;
  Wire second_wire;
  {
    Reply first(first_wire);
    Reply second(second_wire);
    first = std::move(second);
    first.Send(Response());
  }
  REQUIRE(first_wire.answers.size() == 1);
  CHECK(absl::IsInternal(first_wire.answers[0].status()));
  REQUIRE(second_wire.answers.size() == 1);
  CHECK(second_wire.answers[0].ok());
}

TEST_CASE("Reply of no wire ends in silence and waits for nobody", "[request]") {
  const Reply reply;
  CHECK_FALSE(reply.abandoned());
}

TEST_CASE("Reply knows whether anybody waits for it", "[request]") {
  Wire wire;
  Reply reply(wire);
  CHECK_FALSE(reply.abandoned());
  wire.is_abandoned = true;
  CHECK(reply.abandoned());
  reply.Send(Response());
  CHECK_FALSE(reply.abandoned());
}

}  // namespace
}  // namespace torchere
