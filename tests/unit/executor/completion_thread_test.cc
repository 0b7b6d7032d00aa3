// SPDX-License-Identifier: Apache-2.0
#include "server/executor/completion_thread.h"

#include <future>
#include <vector>

#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("CompletionThread gives its places out in turn, each again once its run has ended") {
  std::vector<std::promise<void>> fences(3);
  std::vector<size_t> ended;
  {
    CompletionThread completions(2);
    for (size_t i = 0; i < fences.size(); ++i) {
      CHECK(completions.AwaitPlace() == i % 2);
      completions.Add([&, i] {
        fences[i].get_future().wait();
        ended.push_back(i);
      });
      // The third is waited for only once the first has ended.
      if (i == 1) fences[0].set_value();
    }
    CHECK(ended.front() == 0);
    // However late the first of them, they end in order.
    fences[2].set_value();
    fences[1].set_value();
  }
  CHECK(ended == std::vector<size_t>{0, 1, 2});
}

}  // namespace
}  // namespace torchere
