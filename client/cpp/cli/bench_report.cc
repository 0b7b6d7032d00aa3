// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/bench_report.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/cli/json_report.h"
#include "client/cpp/cli/table.h"
#include "client/cpp/cli/text_report.h"
#include "client/cpp/cli/time.h"
#include "fmt/format.h"

namespace torchere::cli {
namespace {

using std::chrono::nanoseconds;

constexpr std::array<std::pair<const char*, double>, 4> kQuantiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};

double PerSecond(int64_t count, nanoseconds time) {
  if (time <= nanoseconds::zero()) return 0;
  return static_cast<double>(count) / std::chrono::duration<double>(time).count();
}

std::string PlanText(const LoadPlan& plan) {
  if (!plan.rate) return absl::StrCat("closed loop, ", plan.concurrency, " at a time");
  return fmt::format("open loop, {:g} requests/s at random times", *plan.rate);
}

std::string QuantilesText(const Latencies& latencies) {
  std::string text;
  for (const auto& [name, quantile] : kQuantiles) {
    absl::StrAppend(&text, name, " ", DurationText(latencies.Quantile(quantile)), "   ");
  }
  return absl::StrCat(text, "max ", DurationText(latencies.max()));
}

std::string ServerText(const LoadReport& report) {
  std::string text = absl::StrCat("queue ", DurationText(report.mean.queue), "   model ",
                                  DurationText(report.mean.compute));
  if (report.mean_batch_rows > 0) {
    absl::StrAppend(&text, fmt::format("   batch of {:.1f} rows", report.mean_batch_rows));
  }
  return absl::StrCat(text, "   (means)");
}

// One line for each kind of request that was not answered OK.
std::string FailuresText(const LoadReport& report, const Style& style) {
  Table table;
  const auto add = [&](int64_t count, const std::string& what, const std::string& why) {
    table.Add({{absl::StrCat(count), Emphasis::kBad, true},
               {what, Emphasis::kBad},
               {Printable(why), Emphasis::kFaint}});
  };
  for (const auto& [error, failures] : report.failures) {
    const auto& [code, reason] = error;
    const std::string name = absl::StatusCodeToString(code);
    add(failures.count,
        reason.empty() || reason == name ? name : absl::StrCat(name, " ", Printable(reason)),
        failures.message);
  }
  if (report.not_sent > 0) {
    add(report.not_sent, "not sent",
        absl::StrCat("due while ", kMaxOutstanding,
                     " waited, or faster than this client can send"));
  }
  if (report.cut_off > 0) add(report.cut_off, "cut off", "unanswered when it was interrupted");
  return table.Text(style, "  ");
}

Json PlanJson(const LoadPlan& plan) {
  Json json = {{"loop", "closed"}, {"concurrency", plan.concurrency}, {"rate", nullptr}};
  if (plan.rate) json = {{"loop", "open"}, {"concurrency", nullptr}, {"rate", *plan.rate}};
  return json;
}

Json MillisecondsOrNull(nanoseconds duration, bool known) {
  return known ? Json(Milliseconds(duration)) : Json(nullptr);
}

}  // namespace

std::string BenchText(const ServedModel& model, const LoadPlan& plan, const LoadReport& report,
                      const Style& style) {
  const int64_t others = report.failed() + report.not_sent + report.cut_off;
  Table table;
  const auto add = [&](const char* title, const std::string& text, Emphasis emphasis) {
    table.Add({{title, Emphasis::kFaint}, {text, emphasis}});
  };
  add("load",
      absl::StrCat(PlanText(plan), ", ", DurationText(report.elapsed), ", ", report.request_bytes,
                   " bytes a request"),
      Emphasis::kNone);
  add("throughput", fmt::format("{:.1f} requests/s", PerSecond(report.ok(), report.elapsed)),
      Emphasis::kBold);
  add("answered OK", absl::StrCat(report.ok(), " of ", report.ok() + others),
      report.all_ok() ? Emphasis::kGood : Emphasis::kBad);
  if (report.ok() > 0) {
    add("latency", QuantilesText(report.latencies), Emphasis::kBold);
    add("in the server", ServerText(report), Emphasis::kNone);
  }
  return absl::StrCat(Paint(style, Emphasis::kBold, Printable(model.name)), " version ",
                      model.version, "\n", table.Text(style, "  "), FailuresText(report, style));
}

Json BenchJson(const ServedModel& model, const LoadPlan& plan, const LoadReport& report) {
  const bool any = report.ok() > 0;
  Json json;
  json["model"] = ModelJson(model);
  json["load"] = PlanJson(plan);
  json["load"]["elapsed_ms"] = Milliseconds(report.elapsed);
  json["load"]["request_bytes"] = report.request_bytes;
  Json& requests = json["requests"];
  requests["ok"] = report.ok();
  requests["failed"] = report.failed();
  requests["not_sent"] = report.not_sent;
  requests["cut_off"] = report.cut_off;
  json["throughput"] = PerSecond(report.ok(), report.elapsed);
  Json& latency = json["latency_ms"];
  latency["mean"] = MillisecondsOrNull(report.latencies.mean(), any);
  for (const auto& [name, quantile] : kQuantiles) {
    latency[name] = MillisecondsOrNull(report.latencies.Quantile(quantile), any);
  }
  latency["max"] = MillisecondsOrNull(report.latencies.max(), any);
  Json& server = json["server"];
  server["server_ms"] = MillisecondsOrNull(report.mean.total, any);
  server["queue_ms"] = MillisecondsOrNull(report.mean.queue, any);
  server["compute_ms"] = MillisecondsOrNull(report.mean.compute, any);
  server["batch_rows"] = any ? Json(report.mean_batch_rows) : Json(nullptr);
  json["errors"] = Json::array();
  for (const auto& [error, failures] : report.failures) {
    json["errors"].push_back({{"code", absl::StatusCodeToString(error.first)},
                              {"reason", error.second},
                              {"count", failures.count},
                              {"message", failures.message}});
  }
  return json;
}

std::string ProgressText(const LoadProgress& progress) {
  return fmt::format("{:.0f} s  {:.1f} requests/s  p50 {}  p99 {}  {} waiting  {} failed",
                     std::chrono::duration<double>(progress.since_start).count(),
                     PerSecond(progress.latencies.count(), progress.second),
                     DurationText(progress.latencies.Quantile(0.5)),
                     DurationText(progress.latencies.Quantile(0.99)), progress.outstanding,
                     progress.failed);
}

}  // namespace torchere::cli
