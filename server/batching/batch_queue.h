// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "server/base/clock.h"
#include "server/batching/backlog.h"
#include "server/batching/batch.h"
#include "server/batching/cut_plan.h"
#include "server/request/cost_curve.h"
#include "server/request/request.h"

namespace torchere {

// By what rules the requests of one method are run together. Defaults:
// api.md, "Model repository", `batching` and `queue`.
struct BatchRules {
  // Whether requests may share a run; else each runs alone.
  bool batched = false;
  // Only those that give no argument that could have been left out: what was
  // proven was proven without.
  bool only_required = true;
  // Rows of one run.
  int64_t max_rows = 64;
  // A run takes all that can run together, up to max_rows and the earliest
  // deadline, whatever that costs; else as many rows as are cheapest.
  bool cut_all = false;
  // Ascending; a run is padded to the next of them.
  std::vector<int64_t> buckets = {};
  // There is one bucket, and nothing with rows is ever run with fewer.
  bool invariant = false;
  // How long a worker may be kept from a batch that is not full.
  Duration max_delay{};
  // Rows that may wait; a request without rows counts as one.
  int64_t max_queued_rows = 1024;
  // How long a request may wait; without it, the greater of 1 s and ten times
  // the longest run of any model that the device has seen: a light model beside
  // a heavy one is not refused.
  std::optional<Duration> max_time = {};
};

// When a queue is asked, and how its device does then.
struct Moment {
  Time now{};
  // How much longer runs take than by the curve.
  double slowdown = 1;
  // The longest run of any queue of the device, also of those under way.
  Duration longest_run{};
};

// Whether a request of `rows` rows may wait at all where `most` may.
//
//   INVALID_ARGUMENT  LIMIT_EXCEEDED: it has more
absl::Status CheckRows(int64_t rows, int64_t most);

// What a device's other work means for a request that comes now.
struct Outlook {
  // How long until a worker begins with what this queue holds.
  Duration ahead{};
  // Workers that may run what it holds at a time.
  int workers = 1;
};

// The requests for one method of one model version that wait to run on one
// device, and the rules by which they leave. Pure: time is an argument; no lock,
// no thread. DevicePool owns the lock and asks its queues when a worker is free.
class BatchQueue {
 public:
  explicit BatchQueue(BatchRules rules);

  // Takes a request of RowsOf its arguments, in parts where it has more rows
  // than one run. On an error the request is left untouched, for the caller to
  // answer:
  //   RESOURCE_EXHAUSTED  QUEUE_FULL: there is no room; QUEUE_TOO_LONG: what is
  //                       ahead takes longer than its deadline or max_time allow
  //   INVALID_ARGUMENT    LIMIT_EXCEEDED: more rows than may ever wait
  //   DEADLINE_EXCEEDED   its deadline has passed
  absl::Status Push(Request& request, const Moment& moment, Outlook outlook = {});

  // When the next batch may be cut: now or earlier, unless max_delay holds it
  // back; kNever while nothing waits.
  Time ReadyAt(const Moment& moment) const;

  // The next batch: of the highest priority the oldest request, and those that can
  // run with it, in that order, as few as are nearly cheapest by the row where
  // `idle_workers` others could take a share of what waits. Its requests may all be dead.
  Batch Cut(const Moment& moment, int idle_workers = 0);

  // What nobody waits for any more or has waited too long, taken out at once.
  std::vector<Request> TakeDead(const Moment& moment);

  // A run of `rows` rows (0 for one without) took `time`, with no other beside it
  // on the device.
  void Observe(int64_t rows, Duration time);

  // How long runs take, as it was measured: no run will have more rows than its
  // last point. Until it is set a run takes all that there is.
  void SetCurve(CostCurve curve);
  const CostCurve& curve() const { return curve_; }

  // A run of as many rows as one may have.
  Duration LongestRun() const { return plan_.RunTime(run_limit_); }

  // How long the run that would be cut next takes at most; nothing where that was
  // never measured, as what runs alone in spite of its method never was.
  std::optional<Duration> NextRun() const;

  // How long what waits will take one worker.
  Duration TimeForAll() const { return backlog_.time(); }

  bool empty() const { return waiting_.empty(); }

 private:
  struct Waiting {
    Request request;
    Time since;
    Backlog::Kind kind;
    // A later part of a large request: what may wait no longer is the whole, and
    // its first part stands for it.
    bool is_rest = false;
  };

  // Takes what may not be run any more out of the front, and of what has been
  // overtaken what has waited too long.
  std::vector<Request> TakeLate(const Moment& moment);
  // Makes plan_ anew.
  void Plan();
  void Enqueue(Waiting waiting);
  // The first that goes after all of `priority`.
  std::deque<Waiting>::iterator After(int32_t priority);
  // How long one worker needs for what goes before the next of `priority`.
  Duration TimeAhead(int32_t priority) const;
  // Of one that is taken out.
  Request Dequeue(Waiting& waiting);
  absl::Status CheckRoom(int64_t rows) const;
  int64_t RowsOfRequest(const Request& request) const;
  absl::Status CheckTime(const Request& request, int64_t rows, const Moment& moment,
                         Outlook outlook) const;
  // Both of them.
  absl::Status CheckLoad(const Request& request, int64_t rows, const Moment& moment,
                         Outlook outlook) const;
  Duration MaxTime(const Moment& moment) const;
  // When it is given up.
  Time Until(const Waiting& waiting, const Moment& moment) const;
  bool IsDead(const Waiting& waiting, const Moment& moment) const;
  // Whether it could not be answered in time any more, while others could. If some were
  // refused while it waited, then neither can it where only a run that is too short to be
  // cheap would be in time: more would be refused for that.
  bool IsLost(const Waiting& waiting, const Moment& moment) const;
  // The rows that a run of `rows` rows is padded to.
  int64_t RunRows(int64_t rows) const;
  // Places of the first and of those that can run with it, up to `most` rows.
  std::vector<size_t> Companions(const Moment& moment, int64_t most) const;
  // How many of them run now.
  size_t BestCount(const std::vector<size_t>& companions, const Moment& moment,
                   int idle_workers) const;
  // How much longer `all` rows take in runs of `rows` rows than cut in the cheapest
  // way, as a share of that.
  double Waste(int64_t rows, int64_t all) const;
  // Takes those at `places`, which ascend, out.
  Batch Take(const std::vector<size_t>& places);

  const BatchRules rules_;
  CostCurve curve_;
  bool is_measured_ = false;
  // Rows of the longest run that is cut.
  int64_t run_limit_;
  // By curve_ as it was a few runs ago.
  CutPlan plan_;
  int observed_ = 0;
  // Higher priorities first, each in the order of arrival.
  std::deque<Waiting> waiting_;
  // Of all that waits.
  Backlog backlog_;
  // When somebody was last refused because of what waited.
  Time refused_ = Time::min();
};

}  // namespace torchere
