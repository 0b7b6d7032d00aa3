// SPDX-License-Identifier: Apache-2.0
#include "server/batching/batch_queue.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/base/status_macros.h"
#include "server/batching/request_parts.h"
#include "server/request/error.h"
#include "server/request/rows.h"

namespace torchere {
namespace {

constexpr Duration kLeastMaxTime = std::chrono::seconds(1);
constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);
// The plan follows the curve after so many runs.
constexpr int kRunsAPlan = 32;
// A run of fewer rows may waste a thirtieth of its time: its first requests do not
// wait for the last of a longer one.
constexpr double kWasteAllowed = 1.0 / 30;

// How much longer than expected what is ahead may take: who is let in and then
// answered too late has cost a run that another could have had.
constexpr double kMargin = 1.2;
// The same of a single run.
constexpr double kRunMargin = 1.1;

int64_t CountedRows(const Request& request) { return std::max<int64_t>(1, request.rows); }

Backlog::Kind KindOf(const Request& request) {
  if (request.rows == 0) return {.priority = request.priority, .alone = true};
  return {.priority = request.priority, .hash = StackHash(request.arguments)};
}

absl::Status TooLong(Duration wait, absl::string_view limit, Duration allowed) {
  return Refuse(
      absl::StatusCode::kResourceExhausted,
      absl::StrCat("what is queued ahead takes ", absl::FormatDuration(absl::FromChrono(wait)),
                   ", ", limit, " allows ", absl::FormatDuration(absl::FromChrono(allowed)),
                   "; try again later"),
      {.reason = "QUEUE_TOO_LONG", .metadata = {}, .retry_after = absl::FromChrono(wait)});
}

}  // namespace

absl::Status CheckRows(int64_t rows, int64_t most) {
  if (rows <= most) return absl::OkStatus();
  const std::string limit = absl::StrCat(most);
  return Refuse(absl::StatusCode::kInvalidArgument,
                absl::StrCat("the request has ", rows, " rows; at most ", limit, " are taken"),
                {.reason = "LIMIT_EXCEEDED", .metadata = {{"limit", limit}}});
}

BatchQueue::BatchQueue(BatchRules rules)
    : rules_(std::move(rules)), run_limit_(rules_.batched ? rules_.max_rows : 1) {
  Plan();
}

void BatchQueue::Plan() {
  plan_ = CutPlan(curve_, run_limit_, rules_.buckets);
  backlog_.Recount(plan_);
}

void BatchQueue::SetCurve(CostCurve curve) {
  curve_ = std::move(curve);
  is_measured_ = !curve_.empty();
  if (is_measured_) run_limit_ = std::min(run_limit_, curve_.points().back().rows);
  Plan();
}

void BatchQueue::Observe(int64_t rows, Duration time) {
  // What runs alone in spite of its method is of no shape that was measured.
  if (rows == 0 && rules_.batched) return;
  const int64_t counted = std::max<int64_t>(1, rows);
  const Duration known = curve_.Of(counted);
  if (!is_measured_ && time < known) {
    // The first run of a model is slow: what is known of it must not last.
    curve_.Set(counted, known - (known - time) / 2);
  } else {
    curve_.Observe(counted, time);
  }
  ++observed_;
  if (observed_ % kRunsAPlan == 0 || (!is_measured_ && observed_ < kRunsAPlan)) Plan();
}

std::optional<Duration> BatchQueue::NextRun() const {
  if (!is_measured_ || waiting_.empty()) return std::nullopt;
  if (rules_.batched && backlog_.alone() > 0) return std::nullopt;
  const int64_t most = rules_.cut_all ? run_limit_ : plan_.best_rows();
  return plan_.RunTime(
      std::max(CountedRows(waiting_.front().request), std::min(backlog_.rows(), most)));
}

Duration BatchQueue::MaxTime(const Moment& moment) const {
  const Duration longest = std::max(moment.longest_run, LongestRun());
  return rules_.max_time.value_or(std::max(kLeastMaxTime, 10 * longest));
}

absl::Status BatchQueue::CheckRoom(int64_t rows) const {
  if (backlog_.rows() + rows <= rules_.max_queued_rows) return absl::OkStatus();
  TORCHERE_RETURN_IF_ERROR(CheckRows(rows, rules_.max_queued_rows));
  const std::string limit = absl::StrCat(rules_.max_queued_rows);
  return Refuse(
      absl::StatusCode::kResourceExhausted,
      absl::StrCat("the model's queue is full: ", backlog_.rows(), " of ", limit,
                   " rows wait already; try again later"),
      {.reason = "QUEUE_FULL", .metadata = {{"limit", limit}}, .retry_after = kRetryAfter});
}

absl::Status BatchQueue::CheckTime(const Request& request, int64_t rows, const Moment& moment,
                                   Outlook outlook) const {
  const double pace = moment.slowdown / outlook.workers;
  const Duration wait = outlook.ahead + Times(TimeAhead(request.priority), pace);
  // With nothing ahead it is always taken: its time is an estimate.
  if (wait <= Duration::zero()) return absl::OkStatus();
  const Duration most = MaxTime(moment);
  if (wait > most) return TooLong(wait, "queue.max_time", most);
  const Duration left = request.context.deadline - moment.now;
  // One run is one worker's, however many there are.
  const Duration own = std::max(Times(plan_.TimeFor(rows), pace),
                                Times(plan_.RunTime(std::min(rows, run_limit_)), moment.slowdown));
  if (Times(wait + own, kMargin) > left) return TooLong(wait, "the deadline", left);
  return absl::OkStatus();
}

absl::Status BatchQueue::CheckLoad(const Request& request, int64_t rows, const Moment& moment,
                                   Outlook outlook) const {
  TORCHERE_RETURN_IF_ERROR(CheckRoom(rows));
  return CheckTime(request, rows, moment, outlook);
}

int64_t BatchQueue::RowsOfRequest(const Request& request) const {
  if (!rules_.batched) return 0;
  if (rules_.only_required && GiveOptional(*request.method, request.arguments)) return 0;
  return RowsOf(request.arguments).value_or(0);
}

absl::Status BatchQueue::Push(Request& request, const Moment& moment, Outlook outlook) {
  if (request.context.deadline <= moment.now) {
    return Refuse(absl::StatusCode::kDeadlineExceeded,
                  "the deadline had passed before the request could be queued",
                  {.reason = "DEADLINE_EXCEEDED"});
  }
  request.rows = RowsOfRequest(request);
  const int64_t rows = CountedRows(request);
  if (absl::Status status = CheckLoad(request, rows, moment, outlook); !status.ok()) {
    // Alone it could have been answered.
    const Duration own = Times(plan_.TimeFor(rows), moment.slowdown * kMargin);
    if (absl::IsResourceExhausted(status) && own <= request.context.deadline - moment.now) {
      refused_ = moment.now;
    }
    return status;
  }
  const Backlog::Kind kind = KindOf(request);
  if (request.rows <= run_limit_) {
    Enqueue({std::move(request), moment.now, kind});
    return absl::OkStatus();
  }
  bool is_rest = false;
  for (Request& part : SplitRequest(std::move(request), run_limit_)) {
    Enqueue({std::move(part), moment.now, kind, std::exchange(is_rest, true)});
  }
  return absl::OkStatus();
}

void BatchQueue::Enqueue(Waiting waiting) {
  backlog_.Add(waiting.kind, CountedRows(waiting.request), plan_);
  waiting_.insert(After(waiting.request.priority), std::move(waiting));
}

std::deque<BatchQueue::Waiting>::iterator BatchQueue::After(int32_t priority) {
  return std::upper_bound(
      waiting_.begin(), waiting_.end(), priority,
      [](int32_t wanted, const Waiting& other) { return wanted > other.request.priority; });
}

Duration BatchQueue::TimeAhead(int32_t priority) const {
  const bool is_last = waiting_.empty() || waiting_.back().request.priority >= priority;
  return is_last ? backlog_.time() : backlog_.TimeAhead(priority, plan_);
}

Request BatchQueue::Dequeue(Waiting& waiting) {
  backlog_.Add(waiting.kind, -CountedRows(waiting.request), plan_);
  return std::move(waiting.request);
}

Time BatchQueue::Until(const Waiting& waiting, const Moment& moment) const {
  return waiting.is_rest ? kNever : waiting.since + MaxTime(moment);
}

bool BatchQueue::IsDead(const Waiting& waiting, const Moment& moment) const {
  return waiting.request.reply.abandoned() || waiting.request.context.deadline <= moment.now ||
         Until(waiting, moment) < moment.now;
}

bool BatchQueue::IsLost(const Waiting& waiting, const Moment& moment) const {
  if (waiting_.size() < 2) return false;
  int64_t rows = CountedRows(waiting.request);
  if (refused_ >= waiting.since)
    rows = std::max(rows, std::min(backlog_.rows(), plan_.best_rows()));
  return waiting.request.context.deadline - moment.now <
         Times(plan_.RunTime(rows), moment.slowdown);
}

Time BatchQueue::ReadyAt(const Moment& moment) const {
  if (waiting_.empty()) return kNever;
  if (rules_.max_delay == Duration::zero() || backlog_.rows() >= run_limit_) return Time::min();
  Time ready = kNever;
  const Duration run = Times(plan_.RunTime(backlog_.rows()), moment.slowdown * kMargin);
  for (const Waiting& waiting : waiting_) {
    ready = std::min({ready, waiting.since + rules_.max_delay,
                      std::min(waiting.request.context.deadline, Until(waiting, moment)) - run});
  }
  return ready;
}

int64_t BatchQueue::RunRows(int64_t rows) const {
  const auto bucket = std::lower_bound(rules_.buckets.begin(), rules_.buckets.end(), rows);
  return bucket == rules_.buckets.end() ? rows : *bucket;
}

std::vector<size_t> BatchQueue::Companions(const Moment& moment, int64_t most) const {
  std::vector<size_t> places;
  const Waiting& first = waiting_.front();
  int64_t rows = 0;
  for (size_t i = 0; i < waiting_.size() && rows < most; ++i) {
    const Waiting& other = waiting_[i];
    if (i > 0 &&
        (other.kind.alone || other.kind.hash != first.kind.hash || IsDead(other, moment) ||
         IsLost(other, moment) || !CanStack(first.request.arguments, other.request.arguments))) {
      continue;
    }
    places.push_back(i);
    rows += other.request.rows;
  }
  return places;
}

size_t BatchQueue::BestCount(const std::vector<size_t>& companions, const Moment& moment,
                             int idle_workers) const {
  int64_t all = 0;
  for (const size_t place : companions) all += waiting_[place].request.rows;
  // What this worker would do in all, if the idle ones took their shares.
  const int64_t share = rules_.cut_all ? all : (all + idle_workers) / (idle_workers + 1);
  const bool chooses = is_measured_ && !rules_.cut_all;
  size_t best = 1;
  double least_waste = std::numeric_limits<double>::infinity();
  int64_t rows = 0;
  Time deadline = kNever;
  for (size_t count = 1; count <= companions.size(); ++count) {
    const Request& request = waiting_[companions[count - 1]].request;
    if (count > 1 && (rows >= share || rows + request.rows > run_limit_)) break;
    rows += request.rows;
    deadline = std::min(deadline, request.context.deadline);
    const Duration run = Times(plan_.RunTime(rows), moment.slowdown * kRunMargin);
    if (count > 1 && run > deadline - moment.now) break;
    const double waste = chooses ? Waste(rows, std::max(rows, share)) : 0;
    if (waste > least_waste) continue;
    best = count;
    least_waste = waste;
    if (chooses && waste <= kWasteAllowed) break;
  }
  return best;
}

double BatchQueue::Waste(int64_t rows, int64_t all) const {
  const Duration cheapest = plan_.TimeFor(all);
  if (cheapest <= Duration::zero()) return 0;
  const Duration time = all / rows * plan_.RunTime(rows) + plan_.TimeFor(all % rows);
  return std::chrono::duration<double>(time - cheapest) / cheapest;
}

Batch BatchQueue::Take(const std::vector<size_t>& places) {
  Batch batch;
  batch.requests.reserve(places.size());
  for (const size_t place : places) {
    batch.requests.push_back(Dequeue(waiting_[place]));
    batch.rows += batch.requests.back().rows;
  }
  if (places.back() + 1 == places.size()) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<int64_t>(places.size()));
  } else {
    size_t kept = places.front(), next = 0;
    for (size_t i = kept; i < waiting_.size(); ++i) {
      if (next < places.size() && places[next] == i) {
        ++next;
      } else {
        waiting_[kept++] = std::move(waiting_[i]);
      }
    }
    waiting_.erase(waiting_.begin() + static_cast<int64_t>(kept), waiting_.end());
  }
  batch.run_rows = batch.rows > 0 ? RunRows(batch.rows) : 0;
  batch.invariant = rules_.invariant && batch.rows > 0;
  batch.expected = plan_.RunTime(std::max<int64_t>(1, batch.rows));
  return batch;
}

std::vector<Request> BatchQueue::TakeLate(const Moment& moment) {
  std::vector<Request> late;
  while (!waiting_.empty() &&
         (IsDead(waiting_.front(), moment) || IsLost(waiting_.front(), moment))) {
    late.push_back(Dequeue(waiting_.front()));
    waiting_.pop_front();
  }
  // The first of each priority has waited longest.
  auto first = waiting_.begin();
  while (first != waiting_.end()) {
    if (IsDead(*first, moment)) {
      late.push_back(Dequeue(*first));
      first = waiting_.erase(first);
    } else {
      first = After(first->request.priority);
    }
  }
  return late;
}

Batch BatchQueue::Cut(const Moment& moment, int idle_workers) {
  std::vector<Request> dead = TakeLate(moment);
  Batch batch;
  if (!waiting_.empty()) {
    std::vector<size_t> places = {0};
    if (waiting_.front().request.rows > 0) {
      places = Companions(moment, run_limit_ * (idle_workers + 2));
      places.resize(BestCount(places, moment, idle_workers));
    }
    batch = Take(places);
  }
  batch.dead = std::move(dead);
  return batch;
}

std::vector<Request> BatchQueue::TakeDead(const Moment& moment) {
  const auto dead =
      std::stable_partition(waiting_.begin(), waiting_.end(),
                            [&](const Waiting& waiting) { return !IsDead(waiting, moment); });
  std::vector<Request> taken;
  for (auto waiting = dead; waiting != waiting_.end(); ++waiting) {
    taken.push_back(Dequeue(*waiting));
  }
  waiting_.erase(dead, waiting_.end());
  return taken;
}

}  // namespace torchere
