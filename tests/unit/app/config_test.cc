// SPDX-License-Identifier: Apache-2.0
#include "server/app/config.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace torchere {
namespace {

absl::StatusOr<CommandLine> Parse(std::vector<const char*> flags) {
  flags.insert(flags.begin(), "torchere-server");
  return ParseCommandLine(static_cast<int>(flags.size()), flags.data(),
                          [] { return std::string("torchere-server 9.9"); });
}

TEST_CASE("ParseCommandLine reads the flags") {
  const auto line =
      Parse({"--models=dir", "--model=a=x.pt", "--model", "b=y=z.pt", "--listen=[::1]:0",
             "--insecure", "--max-message-bytes=1MiB", "--max-requests-in-flight=4",
             "--max-bytes-in-flight=2MiB", "--drain-timeout=5", "--devices=cpu,cuda:1",
             "--hang-after=200ms", "--health-listen=0.0.0.0:8502", "--max-connections=7"});
  REQUIRE(line.ok());
  REQUIRE(line->config.has_value());
  const Config& config = *line->config;
  CHECK(config.models_dir == "dir");
  REQUIRE(config.models.size() == 2);
  CHECK(config.models[0].name == "a");
  CHECK(config.models[1].path == "y=z.pt");
  CHECK(config.listen == "[::1]:0");
  CHECK(config.insecure);
  CHECK(config.health_listen == "0.0.0.0:8502");
  CHECK(config.max_connections == 7);
  CHECK(config.max_message_bytes == 1 << 20);
  CHECK(config.max_requests_in_flight == 4);
  CHECK(config.max_bytes_in_flight == 2 << 20);
  CHECK(config.drain_timeout == std::chrono::seconds(5));
  CHECK(config.hang_after == std::chrono::milliseconds(200));
  CHECK(config.devices == std::vector<Device>{Device{}, {Device::Kind::kCuda, 1}});
}

TEST_CASE("ParseCommandLine's defaults are safe ones") {
  const auto line = Parse({"--models=dir"});
  REQUIRE(line.ok());
  CHECK(line->config->listen == "127.0.0.1:8500");
  CHECK(line->config->devices.empty());
  CHECK(Parse({"--models=dir", "--devices=auto"})->config->devices.empty());
  CHECK_FALSE(line->config->insecure);
  CHECK(line->config->health_listen.empty());
  CHECK(Parse({"--models=dir", "--health-listen=off"})->config->health_listen.empty());
  CHECK(line->config->max_connections == 1024);
  CHECK(line->config->drain_timeout == std::chrono::seconds(30));
  CHECK(line->config->hang_after == std::chrono::seconds(60));
  CHECK(line->config->max_bytes_in_flight <= int64_t{1} << 30);
  CHECK(line->config->max_bytes_in_flight > 0);
}

TEST_CASE("A time is given with its unit, or as a number of seconds; the watchdog can be off") {
  const auto hang_after = [](const char* flag) {
    return Parse({"--models=dir", flag})->config->hang_after;
  };
  CHECK(hang_after("--hang-after=1.5s") == std::chrono::milliseconds(1500));
  CHECK(hang_after("--hang-after=2m") == std::chrono::minutes(2));
  CHECK(hang_after("--hang-after=7") == std::chrono::seconds(7));
  CHECK(hang_after("--hang-after=off") == Duration::zero());
  CHECK(hang_after("--hang-after=0") == Duration::zero());
  CHECK(Parse({"--models=dir", "--drain-timeout=100ms"})->config->drain_timeout ==
        std::chrono::milliseconds(100));
}

TEST_CASE("ParseCommandLine refuses what is wrong in one line that names it") {
  std::vector<const char*> flags;
  std::string named;
  SECTION("an unknown flag") {
    flags = {"--models=dir", "--modls=x"};
    named = "--modls";
  }
  SECTION("nothing to serve") { named = "--models=DIR"; }
  SECTION("a model without a file") {
    flags = {"--model=digits"};
    named = "NAME=FILE";
  }
  SECTION("a name that is none") {
    flags = {"--model=../x=y.pt"};
    named = "'../x'";
  }
  SECTION("a name twice") {
    flags = {"--model=a=x", "--model=a=y"};
    named = "'a' is given twice";
  }
  SECTION("a number that is none") {
    flags = {"--models=dir", "--max-requests-in-flight=many"};
    named = "--max-requests-in-flight";
  }
  SECTION("a number out of bounds") {
    flags = {"--models=dir", "--max-requests-in-flight=0"};
    named = "--max-requests-in-flight";
  }
  SECTION("a message size that gRPC cannot count") {
    flags = {"--models=dir", "--max-message-bytes=4GiB"};
    named = "--max-message-bytes";
  }
  SECTION("a time that is none") {
    flags = {"--models=dir", "--hang-after=soon"};
    named = "--hang-after=soon: expected a time from 0 to 24h, as 30s, 200ms or 1.5s";
  }
  SECTION("a time below zero") {
    flags = {"--models=dir", "--drain-timeout=-1s"};
    named = "--drain-timeout=-1s: expected a time";
  }
  SECTION("a device that is none") {
    flags = {"--models=dir", "--devices=cuda"};
    named = "--devices=cuda: expected auto, or a list of cpu or cuda:N";
  }
  SECTION("a device twice") {
    flags = {"--models=dir", "--devices=cpu,cpu"};
    named = "cpu is given twice";
  }
  const auto line = Parse(flags);
  REQUIRE(absl::IsInvalidArgument(line.status()));
  CHECK(line.status().message().find(named) != absl::string_view::npos);
  CHECK(line.status().message().find('\n') == absl::string_view::npos);
}

TEST_CASE("ParseCommandLine answers --help and --version without a configuration") {
  const auto help = Parse({"--help"});
  REQUIRE(help.ok());
  CHECK_FALSE(help->config.has_value());
  CHECK(help->text.find("--max-bytes-in-flight") != std::string::npos);
  CHECK(Parse({"--version"})->text == "torchere-server 9.9\n");
}

}  // namespace
}  // namespace torchere
