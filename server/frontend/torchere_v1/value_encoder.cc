// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/value_encoder.h"

#include <cstring>
#include <string>

namespace torchere {
namespace {

void EncodeTensor(const Tensor& tensor, WireWriter& writer) {
  writer.Varint(1, static_cast<uint64_t>(tensor.dtype));
  if (!tensor.shape.empty()) {
    // Packed: the dimensions one after the other, as one field.
    std::string dims;
    for (const int64_t dim : tensor.shape) {
      uint64_t rest = static_cast<uint64_t>(dim);
      for (; rest >= 0x80; rest >>= 7) dims.push_back(static_cast<char>(rest | 0x80));
      dims.push_back(static_cast<char>(rest));
    }
    writer.Text(2, dims);
  }
  if (!tensor.data.empty()) writer.Rope(3, tensor.data);
}

void EncodeEntry(const MapEntry& entry, WireWriter& writer) {
  if (const auto* text = std::get_if<std::string>(&entry.key)) {
    writer.Text(1, *text);
  } else {
    writer.Varint(2, static_cast<uint64_t>(std::get<int64_t>(entry.key)));
  }
  writer.Message(3, [&entry](WireWriter& value) { EncodeValue(entry.value, value); });
}

// Writes the field of the alternative that is set: a oneof's field is written
// even where it has its default.
struct KindEncoder {
  void operator()(const Tensor& tensor) const {
    writer.Message(1, [&tensor](WireWriter& message) { EncodeTensor(tensor, message); });
  }
  void operator()(const std::string& text) const { writer.Text(2, text); }
  void operator()(int64_t number) const { writer.Varint(3, static_cast<uint64_t>(number)); }
  void operator()(double number) const {
    uint64_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    writer.Fixed64(4, bits);
  }
  void operator()(bool truth) const { writer.Varint(5, truth ? 1 : 0); }
  void operator()(const List& list) const {
    writer.Message(6, [&list](WireWriter& message) {
      for (const Value& item : list) {
        message.Message(1, [&item](WireWriter& value) { EncodeValue(item, value); });
      }
    });
  }
  void operator()(const Map& map) const {
    writer.Message(7, [&map](WireWriter& message) {
      for (const MapEntry& item : map) {
        message.Message(1, [&item](WireWriter& entry) { EncodeEntry(item, entry); });
      }
    });
  }
  void operator()(Null) const { writer.Text(8, ""); }

  WireWriter& writer;
};

}  // namespace

void EncodeValue(const Value& value, WireWriter& writer) {
  std::visit(KindEncoder{writer}, value.kind);
}

}  // namespace torchere
