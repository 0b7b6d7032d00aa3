// SPDX-License-Identifier: Apache-2.0
#include "server/request/error.h"

#include <map>
#include <string>

#include "tests/support/catch.h"

namespace torchere {
namespace {

using Metadata = std::map<std::string, std::string>;

absl::Status Full() {
  return Refuse(absl::StatusCode::kResourceExhausted, "the server is full",
                {.reason = "SERVER_FULL",
                 .metadata = {{"limit", "4"}},
                 .retry_after = absl::Milliseconds(1500)});
}

TEST_CASE("Refuse makes a status that carries its details", "[request]") {
  const absl::Status status = Full();
  CHECK(absl::IsResourceExhausted(status));
  CHECK(status.message() == "the server is full");
  const ErrorDetails details = DetailsOf(status);
  CHECK(details.reason == "SERVER_FULL");
  CHECK(details.metadata == Metadata{{"limit", "4"}});
  CHECK(details.retry_after == absl::Milliseconds(1500));
}

TEST_CASE("Refuse tells no retry from one at once", "[request]") {
  const auto with = [](std::optional<absl::Duration> retry_after) {
    return DetailsOf(Refuse(absl::StatusCode::kUnavailable, "",
                            {.reason = "R", .metadata = {}, .retry_after = retry_after}));
  };
  CHECK_FALSE(with(std::nullopt).retry_after.has_value());
  CHECK(with(absl::ZeroDuration()).retry_after == absl::ZeroDuration());
}

TEST_CASE("Refuse keeps values as they are, but for a zero byte", "[request]") {
  const Metadata metadata = {{"empty", ""}, {"lines", "a\nb"}, {"umlaut", "\xC3\xBC"}};
  const auto through = [](const Metadata& values) {
    return DetailsOf(Refuse(absl::StatusCode::kInternal, "",
                            {.reason = "R", .metadata = values, .retry_after = {}}))
        .metadata;
  };
  CHECK(through(metadata) == metadata);
  CHECK(through({{"a", std::string("x\0y", 3)}, {"b", "z"}}) == Metadata{{"a", "x?y"}, {"b", "z"}});
}

TEST_CASE("DetailsOf a plain status are its code's name alone", "[request]") {
  const ErrorDetails details = DetailsOf(absl::NotFoundError("no such model"));
  CHECK(details.reason == "NOT_FOUND");
  CHECK(details.metadata.empty());
  CHECK_FALSE(details.retry_after.has_value());
}

TEST_CASE("Annotate adds what an outer stage knows and replaces nothing", "[request]") {
  const absl::Status status =
      Annotate(Full(), "model 'digits': ", {{"model", "digits"}, {"limit", "9"}});
  CHECK(absl::IsResourceExhausted(status));
  CHECK(status.message() == "model 'digits': the server is full");
  const ErrorDetails details = DetailsOf(status);
  CHECK(details.reason == "SERVER_FULL");
  CHECK(details.metadata == Metadata{{"limit", "4"}, {"model", "digits"}});
  CHECK(details.retry_after == absl::Milliseconds(1500));
}

TEST_CASE("Annotate gives a plain status details, and leaves OK as it is", "[request]") {
  const ErrorDetails details =
      DetailsOf(Annotate(absl::InternalError("x"), "", {{"model", "digits"}}));
  CHECK(details.reason == "INTERNAL");
  CHECK(details.metadata == Metadata{{"model", "digits"}});
  CHECK(Annotate(absl::OkStatus(), "never: ", {{"model", "digits"}}).ok());
}

TEST_CASE("WithLogText keeps a text apart from what a caller is sent", "[request]") {
  const absl::Status status = WithLogText(Full(), "a backtrace");
  CHECK(LogTextOf(status) == "a backtrace");
  CHECK(status.message() == "the server is full");
  CHECK(DetailsOf(status).metadata == Metadata{{"limit", "4"}});
  CHECK(LogTextOf(Annotate(status, "model: ", {})) == "a backtrace");
  CHECK(LogTextOf(Full()).empty());
}

}  // namespace
}  // namespace torchere
