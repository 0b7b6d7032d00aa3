// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/batching/batch_queue.h"
#include "tests/support/in_process.h"

namespace torchere {

inline constexpr Time kNow = Time() + std::chrono::seconds(1000);

// A curve in which a run of `rows` rows takes `first` and `more` for each row
// after the first.
inline CostCurve Linear(Duration first, Duration more, int64_t rows = 64) {
  CostCurve curve;
  curve.Set(1, first);
  curve.Set(rows, first + more * (rows - 1));
  return curve;
}

// A queue, and who waits for the answers to what is in it.
struct QueueFixture {
  explicit QueueFixture(BatchRules rules) : queue(std::move(rules)) {
    method.inputs.emplace_back().name = "x";
  }

  // A request of so many rows, each row the number 1.
  Request Make(const std::string& id, int64_t rows = 1, Time deadline = kNever) {
    waiters.push_back(std::make_unique<Waiter>());
    Request request =
        RequestFor("m", std::vector<float>(static_cast<size_t>(rows), 1), *waiters.back());
    request.arguments.emplace_back(std::move(request.inputs[0].value));
    request.inputs.clear();
    request.request_id = id;
    request.method = &method;
    request.context.deadline = deadline;
    return request;
  }
  absl::Status Push(const std::string& id, int64_t rows = 1, Time deadline = kNever,
                    Outlook outlook = {}) {
    Request request = Make(id, rows, deadline);
    return queue.Push(request, {kNow}, outlook);
  }
  // The ids of the next batch.
  std::string Cut(int idle_workers = 0, Time now = kNow, double slowdown = 1) {
    Batch batch = queue.Cut({.now = now, .slowdown = slowdown}, idle_workers);
    std::string ids;
    for (const Request& request : batch.requests) ids += request.request_id;
    cut.push_back(std::move(batch));
    return ids;
  }

  MethodSignature method;
  std::vector<std::unique_ptr<Waiter>> waiters;
  BatchQueue queue;
  // Kept, so that nothing is answered before the test ends.
  std::vector<Batch> cut;
};

}  // namespace torchere
