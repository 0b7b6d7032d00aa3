// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/value_decoder.h"

#include <cstring>
#include <iterator>
#include <set>

#include "absl/strings/str_cat.h"
#include "server/frontend/torchere_v1/codec.h"
#include "server/request/dtype.h"
#include "server/request/error.h"
#include "server/request/utf8.h"

namespace torchere {

using Type = WireReader::Type;

namespace {

// Whether the field that was read is one of Value's oneof, in its own wire type;
// in another it is unknown, as it is to protobuf.
bool IsKind(const WireReader& reader) {
  // Of the fields 1 to 8.
  static constexpr Type kTypes[] = {Type::kBytes,  Type::kBytes, Type::kVarint, Type::kFixed64,
                                    Type::kVarint, Type::kBytes, Type::kBytes,  Type::kBytes};
  return reader.field() <= std::size(kTypes) && reader.type() == kTypes[reader.field() - 1];
}

}  // namespace

void ValueDecoder::Fail(std::string reason, absl::string_view message) {
  if (!error_.ok()) return;
  error_ = Refuse(absl::StatusCode::kInvalidArgument, message, {.reason = std::move(reason)});
}

absl::Status ValueDecoder::status() const {
  if (!error_.ok() || !reader_.malformed()) return error_;
  return Refuse(absl::StatusCode::kInvalidArgument,
                "the message is not a torchere.v1.PredictRequest: its bytes are malformed",
                {.reason = "MALFORMED_MESSAGE"});
}

void ValueDecoder::Text(std::string& text, size_t limit, absl::string_view what) {
  if (!reader_.Text(text)) return;
  if (text.size() > limit) {
    return Fail("LIMIT_EXCEEDED",
                absl::StrCat(what, " has ", text.size(), " bytes; at most ", limit, " are taken"));
  }
  if (!IsUtf8(text)) Fail("INVALID_TEXT", absl::StrCat(what, " is not UTF-8"));
}

void ValueDecoder::Name(std::string& text, absl::string_view what) {
  Text(text, static_cast<size_t>(limits_.name_bytes), what);
}

void ValueDecoder::Value(struct Value& value, bool& is_set, int depth, absl::string_view input) {
  if (depth > limits_.depth) {
    return Fail("LIMIT_EXCEEDED",
                absl::StrCat("input '", input, "' is nested more than ", limits_.depth, " deep"));
  }
  reader_.Message([&] {
    while (ok() && reader_.NextField()) {
      if (!IsKind(reader_)) {
        reader_.SkipField();
        continue;
      }
      if (std::exchange(is_set, true)) {
        return Fail("MALFORMED_MESSAGE",
                    absl::StrCat("input '", input, "': a value's kind is set twice"));
      }
      Kind(value, depth, input);
    }
  });
}

void ValueDecoder::Kind(struct Value& value, int depth, absl::string_view input) {
  uint64_t bits = 0;
  switch (reader_.field()) {
    case 1:
      reader_.Message([&] { TensorFields(value.kind.emplace<Tensor>(), input); });
      break;
    case 2:
      Text(value.kind.emplace<std::string>(), static_cast<size_t>(limits_.text_bytes),
           absl::StrCat("a text in input '", input, "'"));
      break;
    case 3:
      reader_.Varint(bits);
      value.kind = static_cast<int64_t>(bits);
      break;
    case 4: {
      reader_.Fixed64(bits);
      double number = 0;
      std::memcpy(&number, &bits, sizeof number);
      value.kind = number;
      break;
    }
    case 5:
      reader_.Varint(bits);
      value.kind = bits != 0;
      break;
    case 6:
      reader_.Message([&] { ListFields(value.kind.emplace<List>(), depth, input); });
      break;
    case 7:
      reader_.Message([&] { MapFields(value.kind.emplace<Map>(), depth, input); });
      break;
    default:  // 8, NullValue: whatever it holds is unknown to us
      value.kind.emplace<Null>();
      reader_.Message([&] {
        while (reader_.NextField() && reader_.SkipField()) {
        }
      });
  }
}

void ValueDecoder::TensorFields(Tensor& tensor, absl::string_view input) {
  if (++tensors_ > limits_.tensors) {
    return Fail("LIMIT_EXCEEDED",
                absl::StrCat("the request has more than ", limits_.tensors, " tensors"));
  }
  uint64_t dtype = 0;
  while (ok() && reader_.NextField()) {
    if (reader_.Is(1, Type::kVarint)) {
      reader_.Varint(dtype);
    } else if (reader_.Is(2, Type::kBytes)) {
      reader_.Message([&] { Dims(tensor.shape); });
    } else if (reader_.Is(2, Type::kVarint)) {
      uint64_t dim = 0;
      if (reader_.Varint(dim)) tensor.shape.push_back(static_cast<int64_t>(dim));
    } else if (reader_.Is(3, Type::kBytes)) {
      reader_.Rope(tensor.data);
    } else {
      reader_.SkipField();
    }
    if (tensor.shape.size() > static_cast<size_t>(limits_.rank)) {
      return Fail("LIMIT_EXCEEDED", absl::StrCat("input '", input, "' has a tensor of more than ",
                                                 limits_.rank, " dimensions"));
    }
  }
  // An enum on the wire is an int32, whatever the length of its varint.
  if (ok()) FinishTensor(tensor, static_cast<uint32_t>(dtype), input);
}

// Packed dimensions. What is over the rank's limit is read no further.
void ValueDecoder::Dims(Shape& shape) {
  while (reader_.left() > 0 && !reader_.malformed()) {
    uint64_t dim = 0;
    if (!reader_.Varint(dim)) return;
    if (shape.size() <= static_cast<size_t>(limits_.rank)) {
      shape.push_back(static_cast<int64_t>(dim));
    }
  }
}

void ValueDecoder::FinishTensor(Tensor& tensor, uint64_t dtype, absl::string_view input) {
  const auto fail = [&](const std::string& reason, const auto&... text) {
    Fail(reason, absl::StrCat("input '", input, "': a tensor", text...));
  };
  const auto known = DTypeFromNumber(dtype);
  if (!known) {
    return fail("UNKNOWN_DTYPE", " has dtype number ", dtype,
                ", which there is not; there are: ", KnownDTypes());
  }
  tensor.dtype = *known;
  for (const int64_t dim : tensor.shape) {
    if (dim < 0) {
      return fail("INVALID_VALUE", " has the negative dimension ", dim);
    }
  }
  const auto expected = ByteSize(*known, tensor.shape);
  if (!expected) {
    return fail("INVALID_VALUE", " of shape ", ShapeText(tensor.shape),
                " has more bytes than 64 bits can count");
  }
  if (static_cast<uint64_t>(*expected) != tensor.data.size()) {
    fail("LENGTH_MISMATCH", " of shape ", ShapeText(tensor.shape), " and dtype ",
         torchere::Name(*known), " has ", *expected, " bytes, got ", tensor.data.size());
  }
}

bool ValueDecoder::CountItem(absl::string_view input) {
  if (++items_ <= limits_.list_items) return true;
  Fail("LIMIT_EXCEEDED", absl::StrCat("input '", input, "': the request has more than ",
                                      limits_.list_items, " items in lists and maps"));
  return false;
}

void ValueDecoder::ListFields(List& list, int depth, absl::string_view input) {
  while (ok() && reader_.NextField()) {
    if (!reader_.Is(1, Type::kBytes)) {
      reader_.SkipField();
      continue;
    }
    if (!CountItem(input)) return;
    bool is_set = false;
    Value(list.emplace_back(), is_set, depth + 1, input);
    if (ok() && !is_set) {
      Fail("INVALID_VALUE", absl::StrCat("input '", input, "': an item of a list has no value"));
    }
  }
}

void ValueDecoder::MapFields(Map& map, int depth, absl::string_view input) {
  std::set<MapKey> keys;
  while (ok() && reader_.NextField()) {
    if (!reader_.Is(1, Type::kBytes)) {
      reader_.SkipField();
      continue;
    }
    if (!CountItem(input)) return;
    Entry(map.emplace_back(), depth, input);
    if (!ok()) return;
    if (map.back().key.index() != map.front().key.index()) {
      return Fail("INVALID_VALUE",
                  absl::StrCat("input '", input, "': a map has text and int keys"));
    }
    if (!keys.insert(map.back().key).second) {
      return Fail("INVALID_VALUE", absl::StrCat("input '", input, "': a map has a key twice"));
    }
  }
}

void ValueDecoder::Entry(MapEntry& entry, int depth, absl::string_view input) {
  bool has_key = false, is_set = false;
  const auto once = [&] {
    if (std::exchange(has_key, true)) {
      Fail("MALFORMED_MESSAGE", absl::StrCat("input '", input, "': a key is set twice"));
    }
  };
  reader_.Message([&] {
    while (ok() && reader_.NextField()) {
      if (reader_.Is(1, Type::kBytes)) {
        once();
        Text(entry.key.emplace<std::string>(), static_cast<size_t>(limits_.text_bytes),
             absl::StrCat("a key in input '", input, "'"));
      } else if (reader_.Is(2, Type::kVarint)) {
        once();
        uint64_t number = 0;
        reader_.Varint(number);
        entry.key = static_cast<int64_t>(number);
      } else if (reader_.Is(3, Type::kBytes)) {
        Value(entry.value, is_set, depth + 1, input);
      } else {
        reader_.SkipField();
      }
    }
  });
  if (!ok() || (has_key && is_set)) return;
  Fail("INVALID_VALUE",
       absl::StrCat("input '", input, "': an entry of a map has no ", has_key ? "value" : "key"));
}

}  // namespace torchere
