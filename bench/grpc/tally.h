// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/status.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace torchere::bench {

using Time = std::chrono::steady_clock::time_point;

// The time in which what ends is counted.
struct Window {
  Time begin;
  Time end;

  bool Holds(Time time) const { return time >= begin && time < end; }
};

// What came of the requests of one run. Not thread-safe.
class Tally {
 public:
  // Whether the next answer's bytes are read: of one in 16, for that costs time.
  bool WantsReply() const;

  // A request that began at `began` has been answered well; the reply need not be given where it is
  // not wanted.
  void CountAnswer(Time began, Time ended, const std::string& reply);

  // A request has ended otherwise.
  void CountError(const grpc::Status& status);
  void CountError(const std::string& name, const std::string& message);

  int64_t answers() const { return static_cast<int64_t>(latencies_us_.size()); }

  // answers, p50_us … p99.9_us, max_us, errors {code: count}, error_samples {code: message}; of
  // every 16th PredictResponse the means batch_rows, queue_us, compute_us. Sorts what it has.
  nlohmann::json ToJson();

  // The latencies in microseconds as float32, in the machine's byte order; false where the file
  // cannot be written.
  bool WriteLatencies(const std::string& path) const;

  // The first answer, as it came; false where there is none or the file cannot be written.
  bool WriteReply(const std::string& path) const;

 private:
  double Quantile(double share) const;

  std::string first_reply_;
  std::vector<float> latencies_us_;
  std::map<std::string, int64_t> errors_;
  std::map<std::string, std::string> error_samples_;
  int64_t replies_read_ = 0;
  int64_t batch_rows_ = 0;
  double queue_us_ = 0;
  double compute_us_ = 0;
};

}  // namespace torchere::bench
