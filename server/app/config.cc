// SPDX-License-Identifier: Apache-2.0
#include "server/app/config.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "server/app/memory_size.h"
#include "server/base/status_macros.h"
#include "server/registry/repository.h"

namespace torchere {
namespace {

constexpr char kDescription[] =
    R"(Serves PyTorch models over gRPC: TorchScript files, answered by name.

Serve every model of a folder, the newest version of each
(DIR/<name>/<version>/model.pt):

  torchere-server --models=models

or single files, and ask them:

  torchere-server --model=digits=path/to/model.pt
  torchere signature digits
  torchere predict digits --input pixels=@digit.npy

It prints one line on standard output when it serves,
"torchere-server ready grpc=HOST:PORT models=N" (health=HOST:PORT before models
where there is --health-listen), and its log on standard error.
SIGTERM and SIGINT end it once the requests that it has taken are answered.
)";

constexpr char kFooter[] = R"(
Exit status: 0 ended by a signal; 1 could not start, or not drain in time; 2
wrong usage; 3 a device failed, to be started again.
A model is a program: serve only files that you trust.)";

// Flags whose values are read once all are there.
struct Texts {
  std::vector<std::string> models;
  std::string devices = "auto";
  std::string drain_timeout = "30s";
  std::string hang_after = "60s";
};

absl::StatusOr<ModelFlag> ParseModelFlag(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--model=", text, ": expected NAME=FILE, as in digits=path/to/model.pt"));
  }
  ModelFlag flag{text.substr(0, equals), text.substr(equals + 1)};
  if (!IsModelName(flag.name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--model=", text, ": '", flag.name,
                     "' is no name for a model; use letters, digits, '.', '_' and '-'"));
  }
  return flag;
}

absl::StatusOr<std::vector<Device>> ParseDevices(const std::string& text) {
  std::vector<Device> devices;
  if (text == "auto") return devices;
  for (const absl::string_view name : absl::StrSplit(text, ',')) {
    const std::optional<Device> device = DeviceFromName(name);
    if (!device) {
      return absl::InvalidArgumentError(
          absl::StrCat("--devices=", text, ": expected auto, or a list of ", kDeviceNames,
                       ", with commas between them; got '", name, "'"));
    }
    if (std::find(devices.begin(), devices.end(), *device) != devices.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--devices=", text, ": ", name, " is given twice"));
    }
    devices.push_back(*device);
  }
  return devices;
}

// "1.5s", "200ms", or a number of seconds.
absl::StatusOr<Duration> ParseTime(const std::string& flag, const std::string& text) {
  constexpr absl::Duration kMost = absl::Hours(24);
  const bool is_number =
      !text.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text.back()));
  absl::Duration time;
  if (absl::ParseDuration(is_number ? text + "s" : text, &time) && time >= absl::ZeroDuration() &&
      time <= kMost) {
    return absl::ToChronoNanoseconds(time);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(flag, "=", text, ": expected a time from 0 to 24h, as 30s, 200ms or 1.5s",
                   flag == "--hang-after" ? ", or off" : ""));
}

absl::Status ReadModels(Config& config, const std::vector<std::string>& model_flags) {
  std::set<std::string> names;
  for (const std::string& text : model_flags) {
    TORCHERE_ASSIGN_OR_RETURN(ModelFlag flag, ParseModelFlag(text));
    if (!names.insert(flag.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--model: the name '", flag.name, "' is given twice"));
    }
    config.models.push_back(std::move(flag));
  }
  if (config.models_dir.empty() && config.models.empty()) {
    return absl::InvalidArgumentError(
        "there is nothing to serve: give --models=DIR or --model=NAME=FILE");
  }
  return absl::OkStatus();
}

absl::Status ReadTexts(Config& config, const Texts& texts) {
  if (config.health_listen == "off") config.health_listen.clear();
  TORCHERE_ASSIGN_OR_RETURN(config.devices, ParseDevices(texts.devices));
  TORCHERE_ASSIGN_OR_RETURN(config.drain_timeout,
                            ParseTime("--drain-timeout", texts.drain_timeout));
  const std::string hang_after = texts.hang_after == "off" ? "0" : texts.hang_after;
  TORCHERE_ASSIGN_OR_RETURN(config.hang_after, ParseTime("--hang-after", hang_after));
  return ReadModels(config, texts.models);
}

// gRPC counts a message's bytes in 32 bits.
constexpr int64_t kLargestMessage = (int64_t{1} << 31) - 1;

// Bounds whose words stay out of --help: the texts say what matters.
CLI::Validator Bounds(int64_t least, int64_t most) {
  CLI::Validator bounds = CLI::Range(least, most);
  bounds.description("");
  return bounds;
}

CLI::Validator Size() {
  CLI::Validator size = CLI::AsSizeValue(false);
  size.description("");
  return size;
}

void AddModelFlags(CLI::App& app, Config& config, std::vector<std::string>& models) {
  app.add_option("--models", config.models_dir,
                 "Repository of models: DIR/<name>/<version>/model.pt, with an\n"
                 "optional model.yaml beside the versions. The newest version of\n"
                 "each is served")
      ->type_name("DIR");
  app.add_option("--model", models, "Serve one file under a name, as version 1. Repeatable")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void AddDeviceFlags(CLI::App& app, std::string& devices) {
  app.add_option("--devices", devices,
                 "Where models run: a list of cpu and cuda:N, as cuda:0,cuda:1.\n"
                 "A model is loaded onto each of them; `devices` in its\n"
                 "model.yaml names some of them instead. auto: every CUDA\n"
                 "device that LibTorch finds, else cpu. Default: auto.\n"
                 "GPU: not yet measured")
      ->type_name("LIST");
}

void AddListenFlags(CLI::App& app, Config& config) {
  app.add_option("--listen", config.listen,
                 "Where gRPC is served. Port 0 takes any free one; the ready line\n"
                 "tells which. Default: 127.0.0.1:8500")
      ->type_name("HOST:PORT");
  app.add_flag("--insecure", config.insecure,
               "Allow --listen on an address that is not loopback: whoever\n"
               "reaches the port may call the models, and nothing is encrypted");
  app.add_option("--health-listen", config.health_listen,
                 "Where grpc.health.v1 is answered too, and nothing else: for\n"
                 "probes, which get in when --max-connections are taken. Of more\n"
                 "than 16 connections the oldest is closed. Plain, on any\n"
                 "address. Default: off")
      ->type_name("HOST:PORT");
}

void AddTimeFlags(CLI::App& app, Texts& texts) {
  app.add_option("--drain-timeout", texts.drain_timeout,
                 "How long the requests that were taken may still run after\n"
                 "SIGTERM; the process then ends, and its log names what still\n"
                 "ran. Default: 30s")
      ->type_name("TIME");
  app.add_option("--hang-after", texts.hang_after,
                 "A run that takes longer, and ten times longer than runs of its\n"
                 "kind do, counts as hanging: its model takes no requests and is\n"
                 "NOT_SERVING until the run ends, others go on. off: never.\n"
                 "Default: 60s")
      ->type_name("TIME");
}

void AddLimitFlags(CLI::App& app, Config& config) {
  app.add_option("--max-connections", config.max_connections,
                 "Connections to --listen at a time; one more is closed at once.\n"
                 "Default: 1024")
      ->type_name("N")
      ->check(Bounds(1, 65536));
  app.add_option("--max-message-bytes", config.max_message_bytes,
                 "Largest message that is taken. Default: 64MiB")
      ->type_name("SIZE")
      ->transform(Size())
      ->check(Bounds(1024, kLargestMessage));
  app.add_option("--max-requests-in-flight", config.max_requests_in_flight,
                 "Requests that may be inside at a time; one more is refused with\n"
                 "RESOURCE_EXHAUSTED before its message is read. Default: 4096")
      ->type_name("N")
      ->check(Bounds(1, int64_t{1} << 20));
  app.add_option("--max-bytes-in-flight", config.max_bytes_in_flight,
                 "Bytes of requests that may be inside at a time, refused\n"
                 "likewise. Default: a quarter of the memory that this process\n"
                 "may use, 1GiB at most")
      ->type_name("SIZE")
      ->transform(Size())
      ->check(Bounds(int64_t{64} << 10, int64_t{1} << 40));
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv,
                                             const std::function<std::string()>& version) {
  CLI::App app(kDescription, "torchere-server");
  app.footer(kFooter);
  app.set_version_flag("--version", [] { return std::string(); });
  Config config;
  config.max_bytes_in_flight = std::min(int64_t{1} << 30, UsableMemoryBytes() / 4);
  Texts texts;
  AddModelFlags(app, config, texts.models);
  AddDeviceFlags(app, texts.devices);
  AddListenFlags(app, config);
  AddLimitFlags(app, config);
  AddTimeFlags(app, texts);
  try {
    app.parse(argc, const_cast<char**>(argv));
  } catch (const CLI::CallForHelp&) {
    return CommandLine{std::nullopt, app.help()};
  } catch (const CLI::CallForVersion&) {
    return CommandLine{std::nullopt, version() + "\n"};
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    return absl::InvalidArgumentError(absl::StrCat(message, "; --help lists the flags"));
  }
  TORCHERE_RETURN_IF_ERROR(ReadTexts(config, texts));
  return CommandLine{std::move(config), ""};
}

}  // namespace torchere
