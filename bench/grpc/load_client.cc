// SPDX-License-Identifier: Apache-2.0
// Sends one Predict request again and again and prints, as one line of JSON, what came of it.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/grpc/load.h"
#include "bench/grpc/target.h"
#include "bench/http/http_message.h"
#include "server/base/status_macros.h"

namespace torchere::bench {
namespace {

struct Flags {
  Target target;
  RequestSpec request;
  LoadOptions load;
  int64_t deadline_ms = 0;
  double seconds = 1;
  double warm_up_seconds = 0.3;
  std::vector<int> pids;
  std::string latencies;
  std::string reply;
  // Of requests that are not ours.
  std::string body;
  std::string http_path;
  std::vector<std::string> headers;
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("--target", flags.target.address, "HOST:PORT of the server");
  app.add_option("--model", flags.request.model, "Name of the model");
  app.add_option("--input", flags.request.input, "Name of its argument; default x");
  app.add_option("--dtype", flags.request.dtype, "fp32 (default) or int64");
  app.add_option("--shape", flags.request.shape, "Shape of the argument, rows first: 1,1,8,8")
      ->delimiter(',');
  app.add_option("--concurrency", flags.load.concurrency, "Closed loop: requests in flight")
      ->check(CLI::PositiveNumber);
  app.add_option("--rate", flags.load.rate, "Open loop: requests a second, at random moments")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--deadline-ms", flags.deadline_ms, "Deadline of each request; default none")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--stream", flags.load.stream,
               "Closed loop over PredictStream, one call for each connection")
      ->excludes("--rate");
  app.add_option("--connections", flags.load.connections, "Default 1")->check(CLI::PositiveNumber);
  app.add_option("--seconds", flags.seconds, "How long to count; default 1");
  app.add_option("--warm-up", flags.warm_up_seconds, "Seconds of load before; default 0.3");
  app.add_option("--seed", flags.load.seed, "Of the open loop's random moments");
  app.add_flag("--recovery", flags.load.recovery,
               "Open loop: measure how soon after it the server answers within 100 ms again");
  app.add_option("--pid", flags.pids,
                 "The server's process, whose CPU time is counted; repeatable");
  app.add_option("--latencies", flags.latencies, "Write them here: float32, microseconds");
  app.add_option("--reply", flags.reply, "Write the first answer here, as it came");
}

void AddForeignFlags(CLI::App& app, Flags& flags) {
  CLI::Option* body = app.add_option(
      "--body", flags.body, "File with a message of another service, sent instead of a Predict");
  app.add_option("--method", flags.target.method, "gRPC: /package.Service/Method that takes it")
      ->needs(body);
  app.add_option("--http", flags.http_path, "Send it over HTTP/1.1 to this path, closed loop")
      ->needs(body)
      ->excludes("--rate")
      ->excludes("--stream");
  app.add_option("--header", flags.headers, "HTTP: \"Name: value\"; repeatable");
}

double Quantile(std::vector<float> values, double share) {
  if (values.empty()) return 0;
  const auto nth = values.begin() + static_cast<int64_t>(share * (values.size() - 1.0));
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

nlohmann::json ToJson(const Flags& flags, LoadResult& result) {
  nlohmann::json json = result.tally.ToJson();
  const auto answers = static_cast<double>(result.tally.answers());
  json["seconds"] = flags.seconds;
  json["request_bytes"] = flags.target.request.Length();
  json["requests_per_s"] = answers / flags.seconds;
  if (answers > 0) {
    json["server_cpu_us"] = result.cpu.server * 1e6 / answers;
    json["client_cpu_us"] = result.cpu.client * 1e6 / answers;
  }
  json["server_cores"] = result.cpu.server / flags.seconds;
  json["client_cores"] = result.cpu.client / flags.seconds;
  json["other_cores"] =
      std::max(0.0, result.cpu.machine - result.cpu.server - result.cpu.client) / flags.seconds;
  if (flags.load.rate > 0) {
    json["sent"] = result.sent;
    json["late_p99_us"] = Quantile(result.late_us, 0.99);
  }
  if (flags.load.recovery) {
    json["recovery_s"] = result.recovery_s ? nlohmann::json(*result.recovery_s) : nlohmann::json();
  }
  return json;
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "load_client: %s\n", message.c_str());
  return 1;
}

absl::Status FillTarget(Flags& flags) {
  if (flags.body.empty() && flags.request.model.empty()) {
    return absl::InvalidArgumentError("expected --model and --shape, or --body");
  }
  if (flags.body.empty()) {
    TORCHERE_ASSIGN_OR_RETURN(flags.target.request, MakeRequest(flags.request));
    return absl::OkStatus();
  }
  TORCHERE_ASSIGN_OR_RETURN(const std::string body, ReadMessage(flags.body));
  if (flags.http_path.empty()) {
    const grpc::Slice slice(body);
    flags.target.request = grpc::ByteBuffer(&slice, 1);
  } else {
    flags.target.http_request =
        MakeHttpRequest(flags.target.address, flags.http_path, flags.headers, body);
  }
  return absl::OkStatus();
}

int Run(Flags& flags) {
  if (const absl::Status status = FillTarget(flags); !status.ok()) {
    return Fail(std::string(status.message()));
  }
  if (flags.load.stream) flags.target.method = "/torchere.v1.PredictService/PredictStream";
  flags.target.deadline = std::chrono::milliseconds(flags.deadline_ms);
  flags.load.time = Seconds(flags.seconds);
  flags.load.warm_up = Seconds(flags.warm_up_seconds);
  auto result = RunLoad(flags.target, flags.load, flags.pids);
  if (!result.ok()) return Fail(std::string(result.status().message()));
  std::printf("%s\n", ToJson(flags, *result).dump().c_str());
  if (!flags.latencies.empty() && !result->tally.WriteLatencies(flags.latencies)) {
    return Fail("cannot write " + flags.latencies);
  }
  if (!flags.reply.empty() && !result->tally.WriteReply(flags.reply)) {
    return Fail("no answer to write to " + flags.reply);
  }
  return 0;
}

}  // namespace
}  // namespace torchere::bench

int main(int argc, char** argv) {
  torchere::bench::Flags flags;
  CLI::App app("Sends one Predict request again and again; prints JSON.");
  torchere::bench::AddFlags(app, flags);
  torchere::bench::AddForeignFlags(app, flags);
  CLI11_PARSE(app, argc, argv);
  return torchere::bench::Run(flags);
}
