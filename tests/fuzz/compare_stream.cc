// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/compare_stream.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/frontend/torchere_v1/stream_codec.h"
#include "server/request/error.h"
#include "stream_envelope.pb.h"

namespace torchere {
namespace {

bool IsDuration(const google::protobuf::Duration& duration) {
  const int32_t nanos = duration.nanos();
  if (nanos <= -1'000'000'000 || nanos >= 1'000'000'000) return false;
  return !(duration.seconds() > 0 && nanos < 0) && !(duration.seconds() < 0 && nanos > 0);
}

// Why stream_codec.h lets the decoder refuse it, its id apart; empty: it must not.
std::string ReasonToRefuse(const test::StreamEnvelope& message) {
  if (message.predict_size() + message.cancel_size() != 1) return "MALFORMED_MESSAGE";
  if (message.has_timeout() && !IsDuration(message.timeout())) return "INVALID_VALUE";
  return "";
}

bool SameTimeout(Duration ours, const test::StreamEnvelope& theirs) {
  constexpr int64_t kYear = int64_t{365} * 24 * 3600;
  const int64_t seconds = theirs.timeout().seconds();
  if (!theirs.has_timeout() || seconds > kYear) return ours == Duration::max();
  if (seconds < 0) return ours < Duration::zero();
  return ours == std::chrono::seconds(seconds) + std::chrono::nanoseconds(theirs.timeout().nanos());
}

// The first part of the message that was read differently; empty: none.
std::string Difference(const StreamMessage& ours, const test::StreamEnvelope& theirs) {
  if (ours.id != theirs.id()) return "id";
  if (!ours.error.ok()) return "";
  if (ours.is_cancel != (theirs.cancel_size() == 1)) return "kind";
  if (!ours.is_cancel && ours.predict.ToString() != theirs.predict(0)) return "predict";
  return SameTimeout(ours.timeout, theirs) ? "" : "timeout";
}

}  // namespace

Comparison CompareStream(const std::string& wire, size_t piece_bytes) {
  test::StreamEnvelope theirs;
  const bool protobuf_accepts = theirs.ParseFromString(wire);
  const absl::StatusOr<StreamMessage> ours = DecodeStreamMessage(InPieces(wire, piece_bytes));
  if (!protobuf_accepts) {
    return {Verdict::kBothRefuse,
            ours.ok() ? "protobuf refuses a stream's message that the decoder accepts" : ""};
  }
  if (!ours.ok()) {
    return {Verdict::kDecoderAloneRefuses,
            absl::StrCat("a stream's message is refused: ", ours.status().ToString())};
  }
  const std::string reason = ReasonToRefuse(theirs);
  const std::string given = ours->error.ok() ? "" : DetailsOf(ours->error).reason;
  const Verdict verdict = given.empty() ? Verdict::kBothAccept : Verdict::kDecoderAloneRefuses;
  if (given != reason) {
    return {verdict, absl::StrCat("a stream's message is refused for '", given, "', expected '",
                                  reason, "'")};
  }
  const std::string difference = Difference(*ours, theirs);
  if (difference.empty()) return {verdict, ""};
  return {verdict, absl::StrCat("a stream's message: ", difference, " is not read as by protobuf")};
}

}  // namespace torchere
