// SPDX-License-Identifier: Apache-2.0
#include "server/executor/watchdog.h"

#include <atomic>
#include <future>
#include <semaphore>
#include <vector>

#include "tests/support/catch.h"

namespace torchere {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Time kNow{hours(1000)};
constexpr Duration kHangAfter = seconds(60);

RunUnderWay Since(Duration ago, Duration expected = {}) {
  return {.since = kNow - ago, .expected = expected};
}

TEST_CASE("A run hangs after the time that is set, and not before") {
  CHECK(LookOver({Since(seconds(59))}, kHangAfter, kNow).hanging.empty());
  CHECK(LookOver({Since(seconds(60))}, kHangAfter, kNow).hanging == std::vector<size_t>{0});
}

TEST_CASE("A run that is expected to take long hangs after ten times that") {
  CHECK(LookOver({Since(seconds(199), seconds(20))}, kHangAfter, kNow).hanging.empty());
  CHECK(LookOver({Since(seconds(200), seconds(20))}, kHangAfter, kNow).hanging.size() == 1);
  // The greater of the two counts.
  CHECK(LookOver({Since(seconds(59), seconds(1))}, kHangAfter, kNow).hanging.empty());
}

TEST_CASE("What is known to hang is not found again, and what is behind another waits") {
  const RunUnderWay known{.since = kNow - hours(1), .hangs = true};
  const RunUnderWay behind{.since = kNever};
  const Sight sight = LookOver({known, Since(hours(1)), behind}, kHangAfter, kNow);
  CHECK(sight.hanging == std::vector<size_t>{1});
}

TEST_CASE("The next look is when the first run may hang, be it one that begins now") {
  CHECK(LookOver({}, kHangAfter, kNow).next == kNever);
  CHECK(LookOver({Since(seconds(50)), Since(seconds(10))}, kHangAfter, kNow).next ==
        kNow + seconds(10));
  CHECK(LookOver({Since(seconds(10), seconds(20))}, kHangAfter, kNow).next == kNow + kHangAfter);
  CHECK(LookOver({{.since = kNever}}, kHangAfter, kNow).next == kNow + kHangAfter);
  CHECK(LookOver({Since(hours(1))}, kHangAfter, kNow).next == kNever);
}

TEST_CASE("A watchdog looks when something begins to run") {
  std::promise<void> looked;
  int looks = 0;
  Watchdog watchdog([&](Time) {
    if (++looks == 1) looked.set_value();
    return kNever;
  });
  watchdog.Wake();
  looked.get_future().wait();
  watchdog.Stop();
  CHECK(looks == 1);
}

TEST_CASE("A watchdog that sees nothing run does not look again until it is woken") {
  std::atomic<int> woken = 0, looks = 0, unasked = 0;
  std::counting_semaphore<> looked(0);
  Watchdog watchdog([&](Time) {
    if (++looks > woken) ++unasked;
    looked.release();
    return kNever;
  });
  for (int i = 0; i < 100; ++i) {
    ++woken;
    watchdog.Wake();
    looked.acquire();
  }
  watchdog.Stop();
  CHECK(looks == 100);
  CHECK(unasked == 0);
}

TEST_CASE("A watchdog looks again at the time that it was told, without being woken") {
  std::promise<void> second;
  int looks = 0;
  Watchdog watchdog([&](Time now) {
    if (++looks == 2) second.set_value();
    return looks == 1 ? now : kNever;
  });
  watchdog.Wake();
  second.get_future().wait();
  watchdog.Stop();
  CHECK(looks == 2);
}

TEST_CASE("What begins to run while a watchdog looks is looked at too") {
  std::promise<void> looking, woken, second;
  int looks = 0;
  Watchdog watchdog([&](Time) {
    if (++looks == 2) second.set_value();
    if (looks == 1) {
      looking.set_value();
      woken.get_future().wait();
    }
    return kNever;
  });
  watchdog.Wake();
  looking.get_future().wait();
  watchdog.Wake();
  woken.set_value();
  second.get_future().wait();
  watchdog.Stop();
  CHECK(looks == 2);
}

TEST_CASE("A watchdog ends while it waits, for a time or for a run") {
  const Time next = GENERATE(kNever, kNow + hours(1'000'000));
  std::promise<void> looked;
  int looks = 0;
  Watchdog watchdog([&](Time) {
    if (++looks == 1) looked.set_value();
    return next;
  });
  watchdog.Wake();
  looked.get_future().wait();
  watchdog.Stop();
  CHECK(looks == 1);
}

}  // namespace
}  // namespace torchere
