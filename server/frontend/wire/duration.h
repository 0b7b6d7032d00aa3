// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "server/base/clock.h"
#include "server/frontend/wire/wire_reader.h"
#include "server/frontend/wire/wire_writer.h"

namespace torchere {

// A google.protobuf.Duration as it is on the wire.
struct WireDuration {
  int64_t seconds = 0;
  int32_t nanos = 0;

  // As duration.proto has it: less than a second of nanos, of the same sign.
  bool valid() const {
    return nanos > -1'000'000'000 && nanos < 1'000'000'000 && !(seconds > 0 && nanos < 0) &&
           !(seconds < 0 && nanos > 0);
  }
};

// Reads one inside reader.Message(); what was read before stays where it is not
// set again, as protobuf has it.
inline void ReadDuration(WireReader& reader, WireDuration& duration) {
  while (reader.NextField()) {
    uint64_t number = 0;
    if (reader.Is(1, WireReader::Type::kVarint)) {
      if (reader.Varint(number)) duration.seconds = static_cast<int64_t>(number);
    } else if (reader.Is(2, WireReader::Type::kVarint)) {
      if (reader.Varint(number)) duration.nanos = static_cast<int32_t>(number);
    } else {
      reader.SkipField();
    }
  }
}

// Writes one, not negative, as a field.
inline void WriteDuration(WireWriter& writer, uint32_t field, Duration duration) {
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  writer.Message(field, [nanos](WireWriter& message) {
    constexpr int64_t kSecond = 1'000'000'000;
    if (nanos >= kSecond) message.Varint(1, static_cast<uint64_t>(nanos / kSecond));
    if (nanos % kSecond != 0) message.Varint(2, static_cast<uint64_t>(nanos % kSecond));
  });
}

}  // namespace torchere
