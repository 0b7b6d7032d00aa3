// SPDX-License-Identifier: Apache-2.0
#include "bench/grpc/tally.h"

#include <algorithm>
#include <fstream>

#include "torchere/v1/predict.pb.h"

namespace torchere::bench {
namespace {

// Reading each reply would slow the client down.
constexpr int64_t kReadOneOf = 16;

std::string CodeName(grpc::StatusCode code) {
  constexpr const char* kNames[] = {"OK",
                                    "CANCELLED",
                                    "UNKNOWN",
                                    "INVALID_ARGUMENT",
                                    "DEADLINE_EXCEEDED",
                                    "NOT_FOUND",
                                    "ALREADY_EXISTS",
                                    "PERMISSION_DENIED",
                                    "RESOURCE_EXHAUSTED",
                                    "FAILED_PRECONDITION",
                                    "ABORTED",
                                    "OUT_OF_RANGE",
                                    "UNIMPLEMENTED",
                                    "INTERNAL",
                                    "UNAVAILABLE",
                                    "DATA_LOSS",
                                    "UNAUTHENTICATED"};
  return code >= 0 && code < static_cast<int>(std::size(kNames)) ? kNames[code] : "UNKNOWN";
}

double Micros(const google::protobuf::Duration& time) {
  return static_cast<double>(time.seconds()) * 1e6 + time.nanos() * 1e-3;
}

}  // namespace

bool Tally::WantsReply() const { return answers() % kReadOneOf == 0; }

void Tally::CountAnswer(Time began, Time ended, const std::string& reply) {
  const bool read = WantsReply();
  if (latencies_us_.empty()) first_reply_ = reply;
  latencies_us_.push_back(std::chrono::duration<float, std::micro>(ended - began).count());
  v1::PredictResponse response;
  if (!read || !response.ParseFromString(reply)) return;
  ++replies_read_;
  batch_rows_ += response.timing().batch_rows();
  queue_us_ += Micros(response.timing().queue());
  compute_us_ += Micros(response.timing().compute());
}

void Tally::CountError(const grpc::Status& status) {
  CountError(CodeName(status.error_code()), status.error_message());
}

void Tally::CountError(const std::string& name, const std::string& message) {
  if (++errors_[name] == 1) error_samples_[name] = message;
}

double Tally::Quantile(double share) const {
  if (latencies_us_.empty()) return 0;
  const auto index = static_cast<size_t>(share * static_cast<double>(latencies_us_.size()));
  return latencies_us_[std::min(index, latencies_us_.size() - 1)];
}

nlohmann::json Tally::ToJson() {
  std::sort(latencies_us_.begin(), latencies_us_.end());
  nlohmann::json json = {{"answers", answers()},        {"p50_us", Quantile(0.5)},
                         {"p90_us", Quantile(0.9)},     {"p99_us", Quantile(0.99)},
                         {"p99.9_us", Quantile(0.999)}, {"max_us", Quantile(1)},
                         {"errors", errors_},           {"error_samples", error_samples_}};
  if (replies_read_ > 0) {
    const auto replies = static_cast<double>(replies_read_);
    json["batch_rows"] = static_cast<double>(batch_rows_) / replies;
    json["queue_us"] = queue_us_ / replies;
    json["compute_us"] = compute_us_ / replies;
  }
  return json;
}

bool Tally::WriteLatencies(const std::string& path) const {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(latencies_us_.data()),
             static_cast<std::streamsize>(latencies_us_.size() * sizeof(float)));
  file.close();
  return file.good();
}

bool Tally::WriteReply(const std::string& path) const {
  std::ofstream file(path, std::ios::binary);
  file << first_reply_;
  file.close();
  return !latencies_us_.empty() && file.good();
}

}  // namespace torchere::bench
