// SPDX-License-Identifier: Apache-2.0
#include "server/app/config.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
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
"torchere-server ready grpc=HOST:PORT models=N", and its log on standard error.
SIGTERM and SIGINT end it once the requests that it has taken are answered.
)";

constexpr char kFooter[] = R"(
Exit status: 0 ended by a signal; 1 could not start; 2 wrong usage.
A model is a program: serve only files that you trust.)";

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

absl::Status Check(Config& config, const std::vector<std::string>& model_flags) {
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

// gRPC counts a message's bytes in 32 bits.
constexpr int64_t kLargestMessage = (int64_t{1} << 31) - 1;

void AddFlags(CLI::App& app, Config& config, std::vector<std::string>& models, int64_t& drain) {
  const CLI::AsSizeValue size(false);
  app.add_option("--models", config.models_dir,
                 "Repository of models: DIR/<name>/<version>/model.pt, with an optional "
                 "model.yaml beside the versions. The newest version of each is served")
      ->type_name("DIR");
  app.add_option("--model", models, "Serve one file under a name, as version 1. Repeatable")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
  app.add_option("--listen", config.listen,
                 "Where gRPC is served. Port 0 takes any free one; the ready line tells which")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_flag("--insecure", config.insecure,
               "Allow --listen on an address that is not loopback: whoever reaches the port may "
               "call the models, and nothing is encrypted");
  app.add_option("--max-message-bytes", config.max_message_bytes,
                 "Largest message that is taken; 64MiB may be written so")
      ->type_name("BYTES")
      ->transform(size)
      ->check(CLI::Range(int64_t{1024}, kLargestMessage))
      ->capture_default_str();
  app.add_option("--max-requests-in-flight", config.max_requests_in_flight,
                 "Requests that may be inside at a time; one more is refused with "
                 "RESOURCE_EXHAUSTED before its message is read")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  app.add_option("--max-bytes-in-flight", config.max_bytes_in_flight,
                 "Bytes of requests that may be inside at a time, refused likewise. Default: a "
                 "quarter of the memory that this process may use, 1GiB at most")
      ->type_name("BYTES")
      ->transform(size)
      ->check(CLI::Range(int64_t{64} << 10, int64_t{1} << 40));
  app.add_option("--drain-timeout", drain,
                 "How long the requests that were taken may still run after SIGTERM")
      ->type_name("SECONDS")
      ->check(CLI::Range(int64_t{0}, int64_t{86400}))
      ->capture_default_str();
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv,
                                             const std::string& version) {
  CLI::App app(kDescription, "torchere-server");
  app.footer(kFooter);
  app.set_version_flag("--version", version);
  Config config;
  config.max_bytes_in_flight = std::min(int64_t{1} << 30, UsableMemoryBytes() / 4);
  std::vector<std::string> models;
  int64_t drain = config.drain_timeout.count();
  AddFlags(app, config, models, drain);
  try {
    app.parse(argc, const_cast<char**>(argv));
  } catch (const CLI::CallForHelp&) {
    return CommandLine{std::nullopt, app.help()};
  } catch (const CLI::CallForVersion&) {
    return CommandLine{std::nullopt, version + "\n"};
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    return absl::InvalidArgumentError(absl::StrCat(message, "; --help lists the flags"));
  }
  config.drain_timeout = std::chrono::seconds(drain);
  TORCHERE_RETURN_IF_ERROR(Check(config, models));
  return CommandLine{std::move(config), ""};
}

}  // namespace torchere
