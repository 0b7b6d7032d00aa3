// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "server/base/clock.h"
#include "server/batching/cut_plan.h"

namespace torchere {

// How long what waits in a queue will take one worker, kept up as requests come
// and go: nothing looks through the queue for it. Rows that can run together cost
// what the plan says of so many; a request that runs alone costs a run.
class Backlog {
 public:
  // Requests of one kind can run together. So can those that differ in priority
  // alone, but not all of them are ahead of the next that comes.
  struct Kind {
    int32_t priority = 0;
    // Runs alone, whatever waits beside it.
    bool alone = false;
    // StackHash of its arguments; 0 where it runs alone.
    size_t hash = 0;

    bool operator==(const Kind&) const = default;

    template <typename H>
    friend H AbslHashValue(H h, const Kind& kind) {
      return H::combine(std::move(h), kind.priority, kind.alone, kind.hash);
    }
  };

  // A request of `rows` rows has come, or, where `rows` is negative, has gone. One
  // that runs alone counts as one.
  void Add(const Kind& kind, int64_t rows, const CutPlan& plan);

  // Counts anew: the plan has changed.
  void Recount(const CutPlan& plan);

  Duration time() const { return time_; }

  // Of what goes before the next request of `priority`. Looks through the kinds
  // that wait.
  Duration TimeAhead(int32_t priority, const CutPlan& plan) const;

  // One that runs alone counts as one.
  int64_t rows() const { return rows_; }
  // Requests that run alone.
  int64_t alone() const { return alone_; }

 private:
  static Duration TimeOf(const Kind& kind, int64_t rows, const CutPlan& plan);

  // Rows of each kind that waits.
  absl::flat_hash_map<Kind, int64_t> kinds_;
  int64_t rows_ = 0;
  int64_t alone_ = 0;
  Duration time_{};
};

}  // namespace torchere
