// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/stream_codec.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/time/time.h"
#include "server/frontend/torchere_v1/codec.h"
#include "server/frontend/wire/duration.h"
#include "server/frontend/wire/wire_reader.h"
#include "server/frontend/wire/wire_writer.h"
#include "server/request/error.h"

namespace torchere {
namespace {

using Type = WireReader::Type;

absl::Status Malformed(absl::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, what, {.reason = "MALFORMED_MESSAGE"});
}

void ReadTimeout(const WireDuration& wire, StreamMessage& message) {
  if (!wire.valid()) {
    message.error = Refuse(absl::StatusCode::kInvalidArgument,
                           "timeout is not a google.protobuf.Duration: its nanos must be less "
                           "than a second, and of the sign of its seconds",
                           {.reason = "INVALID_VALUE"});
    return;
  }
  // Further away than this is never: in nanoseconds it might not fit 64 bits.
  constexpr int64_t kFarSeconds = int64_t{365} * 24 * 3600;
  if (wire.seconds > kFarSeconds) return;
  message.timeout = std::chrono::seconds(std::max<int64_t>(wire.seconds, -1)) +
                    std::chrono::nanoseconds(wire.nanos);
}

}  // namespace

absl::StatusOr<StreamMessage> DecodeStreamMessage(const Bytes& wire) {
  StreamMessage message;
  WireDuration timeout;
  int kinds = 0;
  bool has_timeout = false;
  WireReader reader(wire);
  while (reader.NextField()) {
    if (reader.Is(1, Type::kVarint)) {
      reader.Varint(message.id);
    } else if (reader.Is(2, Type::kBytes)) {
      ++kinds;
      reader.Rope(message.predict);
    } else if (reader.Is(3, Type::kBytes)) {
      ++kinds;
      message.is_cancel = true;
      reader.Message([&reader] {
        while (reader.NextField() && reader.SkipField()) {
        }
      });
    } else if (reader.Is(4, Type::kBytes)) {
      has_timeout = true;
      reader.Message([&] { ReadDuration(reader, timeout); });
    } else {
      reader.SkipField();
    }
  }
  if (reader.malformed()) {
    return Malformed("the message is not a torchere.v1.PredictStreamRequest");
  }
  if (has_timeout) ReadTimeout(timeout, message);
  if (kinds != 1) {
    message.error = Malformed(kinds == 0 ? "neither predict nor cancel is set"
                                         : "predict and cancel are set, or one of them twice");
  }
  return message;
}

Bytes EncodeStreamResponse(uint64_t id, const Response& response) {
  WireWriter writer;
  if (id != 0) writer.Varint(1, id);
  writer.Message(2, [&response](WireWriter& message) { WritePredict(response, message); });
  return std::move(writer).Finish();
}

Bytes EncodeStreamError(uint64_t id, const absl::Status& error) {
  const ErrorDetails details = DetailsOf(error);
  const absl::string_view text = error.message();
  WireWriter writer;
  if (id != 0) writer.Varint(1, id);
  writer.Message(3, [&](WireWriter& message) {
    message.Varint(1, static_cast<uint64_t>(error.code()));
    if (!text.empty()) message.Text(2, text);
    message.Text(3, details.reason);
    for (const auto& [key, value] : details.metadata) {
      message.Message(4, [&key = key, &value = value](WireWriter& entry) {
        entry.Text(1, key);
        entry.Text(2, value);
      });
    }
    if (details.retry_after) {
      WriteDuration(message, 5, absl::ToChronoNanoseconds(*details.retry_after));
    }
  });
  return std::move(writer).Finish();
}

}  // namespace torchere
