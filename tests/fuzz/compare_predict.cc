// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/compare_predict.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/request/error.h"
#include "tests/fuzz/reasons_to_refuse.h"
#include "torchere/v1/predict.pb.h"

#if __has_include("google/protobuf/stubs/logging.h")
#include "google/protobuf/stubs/logging.h"
#endif

namespace torchere {
namespace {

bool Same(int64_t ours, int64_t theirs) { return ours == theirs; }
bool Same(bool ours, bool theirs) { return ours == theirs; }
bool Same(const std::string& ours, const std::string& theirs) { return ours == theirs; }

// By their bits: NaN is the same as itself.
bool Same(double ours, double theirs) { return std::memcmp(&ours, &theirs, sizeof ours) == 0; }

bool Same(const Tensor& ours, const v1::Tensor& theirs) {
  return static_cast<int>(ours.dtype) == theirs.dtype() &&
         std::equal(ours.shape.begin(), ours.shape.end(), theirs.shape().begin(),
                    theirs.shape().end()) &&
         ours.data.ToString() == theirs.data();
}

bool SameValue(const Value& ours, const v1::Value& theirs);

bool Same(const List& ours, const v1::ValueList& theirs) {
  return std::equal(ours.begin(), ours.end(), theirs.values().begin(), theirs.values().end(),
                    SameValue);
}

bool SameEntry(const MapEntry& ours, const v1::ValueMap::Entry& theirs) {
  if (!SameValue(ours.value, theirs.value())) return false;
  if (const auto* text = std::get_if<std::string>(&ours.key)) {
    return theirs.key_case() == v1::ValueMap::Entry::kText && *text == theirs.text();
  }
  return theirs.key_case() == v1::ValueMap::Entry::kInt &&
         std::get<int64_t>(ours.key) == theirs.int_();
}

bool Same(const Map& ours, const v1::ValueMap& theirs) {
  return std::equal(ours.begin(), ours.end(), theirs.entries().begin(), theirs.entries().end(),
                    SameEntry);
}

// Whether ours is a T, and the same.
template <typename T, typename Theirs>
bool Holds(const Value& ours, const Theirs& theirs) {
  const T* value = std::get_if<T>(&ours.kind);
  return value != nullptr && Same(*value, theirs);
}

bool SameValue(const Value& ours, const v1::Value& theirs) {
  switch (theirs.kind_case()) {
    case v1::Value::kTensor:
      return Holds<Tensor>(ours, theirs.tensor());
    case v1::Value::kText:
      return Holds<std::string>(ours, theirs.text());
    case v1::Value::kInt:
      return Holds<int64_t>(ours, theirs.int_());
    case v1::Value::kFloat:
      return Holds<double>(ours, theirs.float_());
    case v1::Value::kBool:
      return Holds<bool>(ours, theirs.bool_());
    case v1::Value::kList:
      return Holds<List>(ours, theirs.list());
    case v1::Value::kMap:
      return Holds<Map>(ours, theirs.map());
    case v1::Value::kNull:
      return std::holds_alternative<Null>(ours.kind);
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return false;
}

bool SameModel(const ModelSpec& ours, const v1::ModelSpec& theirs) {
  if (ours.name != theirs.name() || ours.method != theirs.method()) return false;
  if (const auto* version = std::get_if<int64_t>(&ours.choice)) {
    return theirs.choice_case() == v1::ModelSpec::kVersion && *version == theirs.version();
  }
  if (const auto* label = std::get_if<std::string>(&ours.choice)) {
    return theirs.choice_case() == v1::ModelSpec::kLabel && *label == theirs.label();
  }
  return theirs.choice_case() == v1::ModelSpec::CHOICE_NOT_SET;
}

// The first part of the request that was read differently; empty: none.
std::string Difference(const Request& ours, const v1::PredictRequest& theirs) {
  if (!SameModel(ours.model, theirs.model())) return "model";
  if (ours.request_id != theirs.options().request_id()) return "options.request_id";
  if (ours.priority != theirs.options().priority()) return "options.priority";
  if (!std::equal(ours.outputs.begin(), ours.outputs.end(), theirs.outputs().begin(),
                  theirs.outputs().end())) {
    return "outputs";
  }
  if (static_cast<int>(ours.inputs.size()) != theirs.inputs_size()) return "inputs' number";
  for (int i = 0; i < theirs.inputs_size(); ++i) {
    const NamedValue& input = ours.inputs[static_cast<size_t>(i)];
    if (input.name != theirs.inputs(i).name()) return absl::StrCat("inputs[", i, "].name");
    if (!SameValue(input.value, theirs.inputs(i).value()))
      return absl::StrCat("inputs[", i, "].value");
  }
  return "";
}

// Whether protobuf takes it. Until its release 22 it prints a line for each text
// that is not UTF-8.
bool Parse(const std::string& wire, v1::PredictRequest& message) {
#if __has_include("google/protobuf/stubs/logging.h")
  const google::protobuf::LogSilencer silence;
#endif
  return message.ParseFromString(wire);
}

}  // namespace

Bytes InPieces(const std::string& wire, size_t piece_bytes) {
  Bytes rope;
  const size_t most = piece_bytes == 0 ? wire.size() : piece_bytes;
  for (size_t at = 0; at < wire.size(); at += most) {
    const size_t size = std::min(most, wire.size() - at);
    std::shared_ptr<char[]> piece(new char[size]);
    std::memcpy(piece.get(), wire.data() + at, size);
    const char* data = piece.get();
    rope.Append({data, size, std::move(piece)});
  }
  return rope;
}

Comparison ComparePredict(const PredictCase& one) {
  v1::PredictRequest theirs;
  const bool protobuf_accepts = Parse(one.wire, theirs);
  const auto ours = DecodePredict(InPieces(one.wire, one.piece_bytes), one.limits);
  if (!protobuf_accepts) {
    return {Verdict::kBothRefuse, ours.ok() ? "protobuf refuses what the decoder accepts" : ""};
  }
  const std::set<std::string> reasons = ReasonsToRefuse(one.wire, one.limits);
  if (ours.ok()) {
    Comparison both = {Verdict::kBothAccept};
    const std::string difference = Difference(*ours, theirs);
    if (!difference.empty()) both.breach = absl::StrCat(difference, " is not read as by protobuf");
    if (!reasons.empty()) {
      both.breach = absl::StrCat("accepted in spite of ", absl::StrJoin(reasons, ", "));
    }
    return both;
  }
  Comparison alone = {Verdict::kDecoderAloneRefuses};
  if (!absl::IsInvalidArgument(ours.status()) ||
      !reasons.contains(DetailsOf(ours.status()).reason)) {
    alone.breach = absl::StrCat("refused without such a reason: ", ours.status().ToString(),
                                "; the message gives: ", absl::StrJoin(reasons, ", "));
  }
  return alone;
}

}  // namespace torchere
