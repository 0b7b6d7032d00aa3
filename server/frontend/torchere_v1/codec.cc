// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/codec.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/frontend/torchere_v1/value_decoder.h"
#include "server/frontend/torchere_v1/value_encoder.h"
#include "server/frontend/wire/duration.h"
#include "server/frontend/wire/wire_reader.h"
#include "server/request/error.h"

namespace torchere {
namespace {

using Type = WireReader::Type;

// Reads one PredictRequest; the first error stays.
class PredictDecoder {
 public:
  PredictDecoder(const Bytes& wire, const WireLimits& limits)
      : reader_(wire), values_(reader_, limits), limits_(limits) {}

  absl::StatusOr<Request> Decode() {
    while (values_.ok() && reader_.NextField()) {
      if (reader_.Is(1, Type::kBytes)) {
        reader_.Message([this] { Model(); });
      } else if (reader_.Is(2, Type::kBytes)) {
        Input();
      } else if (reader_.Is(3, Type::kBytes)) {
        Output();
      } else if (reader_.Is(4, Type::kBytes)) {
        reader_.Message([this] { Options(); });
      } else {
        reader_.SkipField();
      }
    }
    if (values_.ok()) CheckNames();
    if (absl::Status status = values_.status(); !status.ok()) return status;
    return std::move(request_);
  }

 private:
  void Model() {
    ModelSpec& model = request_.model;
    while (values_.ok() && reader_.NextField()) {
      if (reader_.Is(1, Type::kBytes)) {
        values_.Name(model.name, "model.name");
      } else if (reader_.Is(2, Type::kVarint)) {
        uint64_t version = 0;
        reader_.Varint(version);
        if (Chosen(model)) return;
        model.choice = static_cast<int64_t>(version);
      } else if (reader_.Is(3, Type::kBytes)) {
        std::string label;
        values_.Name(label, "model.label");
        if (Chosen(model)) return;
        model.choice = std::move(label);
      } else if (reader_.Is(4, Type::kBytes)) {
        values_.Name(model.method, "model.method");
      } else {
        reader_.SkipField();
      }
    }
  }

  bool Chosen(const ModelSpec& model) {
    if (std::holds_alternative<std::monostate>(model.choice)) return false;
    values_.Fail("MALFORMED_MESSAGE", "model: version and label are set, or one of them twice");
    return true;
  }

  void Input() {
    if (request_.inputs.size() >= static_cast<size_t>(limits_.inputs)) {
      return values_.Fail("LIMIT_EXCEEDED",
                          absl::StrCat("the request has more than ", limits_.inputs, " inputs"));
    }
    NamedValue& input = request_.inputs.emplace_back();
    bool is_set = false;
    reader_.Message([&] {
      while (values_.ok() && reader_.NextField()) {
        if (reader_.Is(1, Type::kBytes)) {
          values_.Name(input.name, "an input's name");
        } else if (reader_.Is(2, Type::kBytes)) {
          values_.Value(input.value, is_set, 1, input.name);
        } else {
          reader_.SkipField();
        }
      }
    });
    if (!values_.ok()) return;
    if (!is_set) {
      values_.Fail("INVALID_VALUE", absl::StrCat("input '", input.name, "' has no value"));
    }
  }

  void CheckNames() {
    if (request_.inputs.size() < 2) return;
    std::vector<absl::string_view> names;
    for (const NamedValue& input : request_.inputs) names.push_back(input.name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice == names.end()) return;
    values_.Fail("DUPLICATE_INPUT", absl::StrCat("input '", *twice, "' is given twice"));
  }

  void Output() {
    values_.Name(request_.outputs.emplace_back(), "an output's name");
    if (request_.outputs.size() > static_cast<size_t>(limits_.outputs)) {
      values_.Fail("LIMIT_EXCEEDED",
                   absl::StrCat("more than ", limits_.outputs, " outputs are asked for"));
    }
  }

  void Options() {
    while (values_.ok() && reader_.NextField()) {
      if (reader_.Is(1, Type::kBytes)) {
        values_.Name(request_.request_id, "options.request_id");
      } else if (reader_.Is(3, Type::kVarint)) {
        uint64_t priority = 0;
        reader_.Varint(priority);
        request_.priority = static_cast<int32_t>(priority);
      } else {
        reader_.SkipField();
      }
    }
  }

  WireReader reader_;
  ValueDecoder values_;
  const WireLimits& limits_;
  Request request_;
};

// The value itself and all that is in it.
int64_t CountValues(const Value& value) {
  int64_t count = 1;
  if (const auto* list = std::get_if<List>(&value.kind)) {
    for (const Value& item : *list) count += CountValues(item);
  } else if (const auto* map = std::get_if<Map>(&value.kind)) {
    for (const MapEntry& entry : *map) count += 1 + CountValues(entry.value);
  }
  return count;
}

void WriteText(WireWriter& writer, uint32_t field, const std::string& text) {
  if (!text.empty()) writer.Text(field, text);
}

}  // namespace

absl::StatusOr<Request> DecodePredict(const Bytes& wire, const WireLimits& limits) {
  return PredictDecoder(wire, limits).Decode();
}

int64_t DecodedBytes(const Bytes& wire, const Request& request) {
  int64_t values = 0;
  for (const NamedValue& input : request.inputs) values += CountValues(input.value);
  return static_cast<int64_t>(wire.size()) + values * static_cast<int64_t>(sizeof(Value));
}

Bytes EncodePredict(const Response& response) {
  WireWriter writer;
  WritePredict(response, writer);
  return std::move(writer).Finish();
}

void WritePredict(const Response& response, WireWriter& writer) {
  writer.Message(1, [&model = response.model](WireWriter& message) {
    WriteText(message, 1, model.name);
    if (model.version != 0) message.Varint(2, static_cast<uint64_t>(model.version));
    WriteText(message, 3, model.label);
    WriteText(message, 4, model.method);
    WriteText(message, 5, model.digest);
  });
  for (const NamedValue& output : response.outputs) {
    writer.Message(2, [&output](WireWriter& message) {
      WriteText(message, 1, output.name);
      message.Message(2, [&output](WireWriter& value) { EncodeValue(output.value, value); });
    });
  }
  writer.Message(3, [&timing = response.timing](WireWriter& message) {
    WriteDuration(message, 1, timing.queue);
    WriteDuration(message, 2, timing.compute);
    WriteDuration(message, 3, timing.total);
    if (timing.batch_rows != 0) message.Varint(4, static_cast<uint64_t>(timing.batch_rows));
  });
  WriteText(writer, 4, response.request_id);
}

}  // namespace torchere
