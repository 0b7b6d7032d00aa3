// SPDX-License-Identifier: Apache-2.0
// Half a minute of more than a device can do, by a clock that is counted and not
// waited for.
#include <chrono>
#include <random>

#include "server/executor/slowdown.h"
#include "tests/support/catch.h"
#include "tests/unit/batching/queue_fixture.h"

namespace torchere {
namespace {

using Seconds = std::chrono::duration<double>;

using std::chrono::milliseconds;

Duration FromSeconds(double seconds) {
  return std::chrono::duration_cast<Duration>(Seconds(seconds));
}

// A convolution's: a row in a run of eight or more costs little more than half of
// one that runs alone, and there is no more to be had.
CostCurve Convolution() {
  CostCurve curve;
  curve.Set(1, std::chrono::microseconds(8000));
  curve.Set(2, std::chrono::microseconds(11500));
  curve.Set(4, std::chrono::microseconds(20000));
  curve.Set(8, std::chrono::microseconds(38000));
  curve.Set(16, std::chrono::microseconds(75000));
  curve.Set(64, std::chrono::microseconds(305000));
  return curve;
}

// A worker whose runs take as long as by its curve, a tenth more or less, and in
// every other phase of 0.5 to 3.5 s `slowness` times as long.
class Worker {
 public:
  explicit Worker(double slowness) : slowness_(slowness) {}

  double Pace(Time now) {
    while (now >= phase_end_) {
      is_slow_ = !is_slow_;
      phase_end_ += FromSeconds(std::uniform_real_distribution(0.5, 3.5)(random_));
    }
    return is_slow_ ? slowness_ : 1;
  }
  Duration Run(int64_t rows, Time now) {
    const double noise = std::uniform_real_distribution(0.9, 1.1)(random_);
    return Times(curve_.Of(rows), Pace(now) * noise);
  }

 private:
  const CostCurve curve_ = Convolution();
  const double slowness_;
  std::mt19937 random_{1};
  Time phase_end_ = kNow;
  bool is_slow_ = true;
};

// Requests at random moments, `load` times what the worker can do at its best, on
// a queue of its own; each is to be answered after `time`.
class Overload {
 public:
  Overload(double load, double slowness, Duration time)
      : time_(time), worker_(slowness), gap_(load / kBestSeconds) {
    f_.queue.SetCurve(Convolution());
  }

  // What was answered in time, of what the worker could have answered in the time
  // that it ran.
  double Goodput() {
    while (now_ < kNow + std::chrono::seconds(30)) {
      if (running_.empty() || next_ < finish_) {
        now_ = next_;
        Arrive();
      } else {
        now_ = finish_;
        Answer();
      }
      if (running_.empty() && !f_.queue.empty()) Begin();
    }
    return in_time_ / possible_;
  }

 private:
  // Of a row in a run of 16.
  static constexpr double kBestSeconds = 0.075 / 16;

  Moment Now() const { return {now_, slowdown_.value(), f_.queue.LongestRun()}; }

  void Arrive() {
    Request request = f_.Make("", 1, now_ + time_);
    Outlook outlook;
    if (!running_.empty()) {
      const Duration left = Times(running_.expected, slowdown_.value()) - (now_ - begun_);
      outlook.ahead = std::max(Duration::zero(), left);
    }
    static_cast<void>(f_.queue.Push(request, Now(), outlook));
    next_ = now_ + FromSeconds(gap_(random_));
  }

  void Begin() {
    running_ = f_.queue.Cut(Now());
    if (running_.empty()) return;
    begun_ = now_;
    finish_ = now_ + worker_.Run(running_.run_rows, now_);
    possible_ += Seconds(finish_ - begun_).count() / (kBestSeconds * worker_.Pace(now_));
  }

  void Answer() {
    for (const Request& request : running_.requests) {
      in_time_ += request.context.deadline >= now_ ? 1 : 0;
    }
    f_.queue.Observe(running_.run_rows, now_ - begun_);
    slowdown_.Observe(running_.expected, now_ - begun_);
    running_ = {};
  }

  const Duration time_;
  QueueFixture f_{{.batched = true}};
  Worker worker_;
  Slowdown slowdown_;
  std::mt19937 random_{7};
  std::exponential_distribution<> gap_;
  Time now_ = kNow, next_ = kNow, begun_ = kNow, finish_ = kNow;
  Batch running_;
  double in_time_ = 0, possible_ = 0;
};

TEST_CASE("BatchQueue keeps its device at its best when more comes than it can do") {
  const double load = GENERATE(1.2, 3.0, 10.0);
  const Duration time = GENERATE(milliseconds(100), milliseconds(1000));
  CAPTURE(load, time.count());
  CHECK(Overload(load, /*slowness=*/1, time).Goodput() > 0.96);
}

TEST_CASE("BatchQueue keeps its device near its best while that is faster and slower by turns") {
  const double load = GENERATE(1.2, 3.0, 10.0);
  const Duration time = GENERATE(milliseconds(100), milliseconds(1000));
  CAPTURE(load, time.count());
  CHECK(Overload(load, /*slowness=*/1.35, time).Goodput() > 0.93);
}

}  // namespace
}  // namespace torchere
