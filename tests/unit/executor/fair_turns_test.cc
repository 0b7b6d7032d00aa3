// SPDX-License-Identifier: Apache-2.0
#include "server/executor/fair_turns.h"

#include "tests/support/catch.h"

namespace torchere {
namespace {

using Turn = FairTurns::Turn;
using std::chrono::milliseconds;

TEST_CASE("FairTurns gives two busy queues the same device time, however long their batches") {
  FairTurns turns;
  Turn light, heavy;
  turns.Enter(light);
  turns.Enter(heavy);
  Duration light_time{}, heavy_time{};
  for (int i = 0; i < 1000; ++i) {
    const bool is_light = light.begin < heavy.begin;
    turns.Begin(is_light ? light : heavy, milliseconds(is_light ? 1 : 50));
    (is_light ? light_time : heavy_time) += milliseconds(is_light ? 1 : 50);
    CHECK(light_time - heavy_time <= milliseconds(50));
    CHECK(heavy_time - light_time <= milliseconds(50));
  }
}

TEST_CASE("FairTurns gives a queue that was empty its turn at once, but no time saved up") {
  FairTurns turns;
  Turn heavy, light;
  turns.Enter(heavy);
  for (int i = 0; i < 10; ++i) turns.Begin(heavy, milliseconds(50));
  turns.Enter(light);
  CHECK(light.begin < heavy.begin);
  CHECK(light.begin >= milliseconds(450));
}

TEST_CASE("FairTurns counts what a batch really took") {
  FairTurns turns;
  Turn turn;
  turns.Enter(turn);
  turns.Begin(turn, milliseconds(10));
  FairTurns::End(turn, milliseconds(10), milliseconds(25));
  CHECK(turn.begin == milliseconds(25));
}

}  // namespace
}  // namespace torchere
