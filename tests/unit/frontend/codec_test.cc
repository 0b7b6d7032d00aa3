// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/codec.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/frontend/wire/wire_writer.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

using Write = std::function<void(WireWriter&)>;

// A message with one input called x, whose Value's fields `value` writes.
std::string WithValue(const Write& value) {
  WireWriter writer;
  writer.Message(1, [](WireWriter& model) { model.Text(1, "m"); });
  writer.Message(2, [&value](WireWriter& input) {
    input.Text(1, "x");
    input.Message(2, value);
  });
  return std::move(writer).Finish().ToString();
}

// Of a tensor of FP32 with dimensions `dims` (as varints, one after the other).
Write TensorOf(uint64_t dtype, const std::string& dims, const std::string& data) {
  return [=](WireWriter& value) {
    value.Message(1, [=](WireWriter& tensor) {
      tensor.Varint(1, dtype);
      tensor.Text(2, dims);
      tensor.Text(3, data);
    });
  };
}

// A value that is nested `depth` lists deep.
Write Nested(int depth) {
  if (depth == 1) return [](WireWriter& value) { value.Varint(3, 1); };
  return [depth](WireWriter& value) {
    value.Message(6, [depth](WireWriter& list) { list.Message(1, Nested(depth - 1)); });
  };
}

std::string ReasonOf(const std::string& wire) {
  const auto request = DecodePredict(Bytes(wire));
  if (request.ok()) return "OK";
  CHECK(absl::IsInvalidArgument(request.status()));
  return DetailsOf(request.status()).reason;
}

TEST_CASE("DecodePredict leaves a tensor's bytes where they are") {
  const std::string data(10000 * 4, 'a');
  const std::string wire = WithValue(TensorOf(9, "\x90\x4e", data));
  // As gRPC hands it over: in pieces.
  Bytes pieces;
  const auto whole = std::make_shared<const std::string>(wire);
  for (size_t at = 0; at < wire.size(); at += 1000) {
    pieces.Append({whole->data() + at, std::min<size_t>(1000, wire.size() - at), whole});
  }
  const auto request = DecodePredict(pieces);
  REQUIRE(request.ok());
  const Tensor& tensor = std::get<Tensor>(request->inputs.at(0).value.kind);
  CHECK(tensor.shape == Shape{10000});
  CHECK(tensor.data.ToString() == data);
  for (const Bytes::Piece& piece : tensor.data.pieces()) {
    CHECK(piece.data >= whole->data());
    CHECK(piece.data + piece.size <= whole->data() + whole->size());
  }
}

TEST_CASE("DecodePredict reads the model, the outputs and the options") {
  WireWriter writer;
  writer.Message(1, [](WireWriter& model) {
    model.Text(1, "digits");
    model.Varint(2, 7);
    model.Text(4, "embed");
  });
  writer.Text(3, "b");
  writer.Text(3, "a");
  writer.Message(4, [](WireWriter& options) {
    options.Text(1, "mine");
    options.Varint(3, static_cast<uint64_t>(-2));
  });
  const auto request = DecodePredict(std::move(writer).Finish());
  REQUIRE(request.ok());
  CHECK(request->model.name == "digits");
  CHECK(std::get<int64_t>(request->model.choice) == 7);
  CHECK(request->model.method == "embed");
  CHECK(request->outputs == std::vector<std::string>{"b", "a"});
  CHECK(request->request_id == "mine");
  CHECK(request->priority == -2);
}

TEST_CASE("DecodePredict refuses what no model should see, and says why") {
  const std::string four(4, '\0');
  CHECK(ReasonOf(WithValue(TensorOf(9, "\x01", four))) == "OK");
  SECTION("data shorter than the shape") {
    CHECK(ReasonOf(WithValue(TensorOf(9, "\x02", four))) == "LENGTH_MISMATCH");
  }
  SECTION("data longer than the shape") {
    CHECK(ReasonOf(WithValue(TensorOf(9, "\x01", four + four))) == "LENGTH_MISMATCH");
  }
  SECTION("data for a shape with a zero") {
    CHECK(ReasonOf(WithValue(TensorOf(9, std::string("\x05\x00", 2), four))) == "LENGTH_MISMATCH");
  }
  SECTION("a shape whose product overflows") {
    const std::string huge = "\xff\xff\xff\xff\xff\xff\xff\xff\x7f";  // 2^63 - 1
    CHECK(ReasonOf(WithValue(TensorOf(9, huge + huge, four))) == "INVALID_VALUE");
  }
  SECTION("a negative dimension") {
    const std::string minus_one = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    CHECK(ReasonOf(WithValue(TensorOf(9, minus_one, four))) == "INVALID_VALUE");
  }
  SECTION("an unknown dtype") {
    CHECK(ReasonOf(WithValue(TensorOf(99, "\x01", four))) == "UNKNOWN_DTYPE");
    CHECK(ReasonOf(WithValue(TensorOf(0, "\x01", four))) == "UNKNOWN_DTYPE");
  }
  SECTION("more dimensions than 16") {
    CHECK(ReasonOf(WithValue(TensorOf(9, std::string(16, '\x01'), four))) == "OK");
    CHECK(ReasonOf(WithValue(TensorOf(9, std::string(17, '\x01'), four))) == "LIMIT_EXCEEDED");
  }
  SECTION("a value nested more than 16 deep") {
    CHECK(ReasonOf(WithValue(Nested(16))) == "OK");
    CHECK(ReasonOf(WithValue(Nested(17))) == "LIMIT_EXCEEDED");
    CHECK(ReasonOf(WithValue(Nested(2000))) == "LIMIT_EXCEEDED");
  }
  SECTION("a text that is not UTF-8") {
    CHECK(ReasonOf(WithValue([](WireWriter& v) { v.Text(2, "\xc3\xa4"); })) == "OK");
    CHECK(ReasonOf(WithValue([](WireWriter& v) { v.Text(2, "\xc3"); })) == "INVALID_TEXT");
    CHECK(ReasonOf(WithValue([](WireWriter& v) { v.Text(2, "\xed\xa0\x80"); })) == "INVALID_TEXT");
  }
  SECTION("a text that is too long") {
    CHECK(ReasonOf(WithValue([](WireWriter& v) { v.Text(2, std::string((1 << 20) + 1, 'a')); })) ==
          "LIMIT_EXCEEDED");
  }
  SECTION("a value without a kind") {
    CHECK(ReasonOf(WithValue([](WireWriter&) {})) == "INVALID_VALUE");
  }
  SECTION("a kind twice") {
    CHECK(ReasonOf(WithValue([](WireWriter& v) {
            v.Varint(3, 1);
            v.Varint(5, 1);
          })) == "MALFORMED_MESSAGE");
  }
  SECTION("a map with a key twice") {
    CHECK(ReasonOf(WithValue([](WireWriter& v) {
            v.Message(7, [](WireWriter& map) {
              for (int i = 0; i < 2; ++i) {
                map.Message(1, [](WireWriter& entry) {
                  entry.Text(1, "k");
                  entry.Message(3, Nested(1));
                });
              }
            });
          })) == "INVALID_VALUE");
  }
  SECTION("more tensors than 64") {
    const auto many = [](int count) {
      return [count](WireWriter& v) {
        v.Message(6, [count](WireWriter& list) {
          for (int i = 0; i < count; ++i) {
            list.Message(1, TensorOf(9, "\x01", std::string(4, '\0')));
          }
        });
      };
    };
    CHECK(ReasonOf(WithValue(many(64))) == "OK");
    CHECK(ReasonOf(WithValue(many(65))) == "LIMIT_EXCEEDED");
  }
  SECTION("more inputs than 1024") {
    const auto many = [](int count) {
      WireWriter writer;
      for (int i = 0; i < count; ++i) {
        writer.Message(2, [i](WireWriter& input) {
          input.Text(1, std::to_string(i));
          input.Message(2, Nested(1));
        });
      }
      return std::move(writer).Finish().ToString();
    };
    CHECK(ReasonOf(many(1024)) == "OK");
    CHECK(ReasonOf(many(1025)) == "LIMIT_EXCEEDED");
  }
  SECTION("an input twice") {
    const std::string wire = WithValue(Nested(1));
    CHECK(ReasonOf(wire + wire.substr(wire.find('\x12'))) == "DUPLICATE_INPUT");
  }
  SECTION("a name that is too long") {
    WireWriter writer;
    writer.Message(1, [](WireWriter& model) { model.Text(1, std::string(257, 'a')); });
    CHECK(ReasonOf(std::move(writer).Finish().ToString()) == "LIMIT_EXCEEDED");
  }
  SECTION("version and label at once") {
    WireWriter writer;
    writer.Message(1, [](WireWriter& model) {
      model.Varint(2, 1);
      model.Text(3, "stable");
    });
    CHECK(ReasonOf(std::move(writer).Finish().ToString()) == "MALFORMED_MESSAGE");
  }
}

TEST_CASE("DecodePredict refuses a message that is cut off anywhere") {
  const std::string wire = WithValue(TensorOf(9, "\x01", std::string(4, '\0')));
  // After the model alone the message is whole: an input is not asked for here.
  const size_t whole = wire.find('\x12');
  for (size_t length = 1; length < wire.size(); ++length) {
    if (length == whole) continue;
    CHECK(ReasonOf(wire.substr(0, length)) != "OK");
  }
}

TEST_CASE("DecodePredict passes over fields that it does not know") {
  WireWriter writer;
  writer.Varint(1000, 1);
  writer.Fixed64(1001, 1);
  writer.Text(1002, "later");
  writer.Text(2000, "");
  const std::string unknown = std::move(writer).Finish().ToString();
  CHECK(ReasonOf(unknown + WithValue(Nested(3))) == "OK");
  SECTION("groups too, but not without their end") {
    const std::string group = "\x0b\x08\x01\x0c";  // of field 1
    CHECK(ReasonOf(group + WithValue(Nested(1))) == "OK");
    CHECK(ReasonOf(group.substr(0, 3)) == "MALFORMED_MESSAGE");
    CHECK(ReasonOf("\x0c") == "MALFORMED_MESSAGE");
  }
}

TEST_CASE("DecodedBytes counts what small values take beside their message") {
  const std::string wire = WithValue([](WireWriter& value) {
    value.Message(6, [](WireWriter& list) {
      for (int i = 0; i < 1000; ++i) list.Message(1, Nested(1));
    });
  });
  const auto request = DecodePredict(Bytes(wire));
  REQUIRE(request.ok());
  const auto values = static_cast<int64_t>(1001 * sizeof(Value));
  CHECK(DecodedBytes(Bytes(wire), *request) == static_cast<int64_t>(wire.size()) + values);
}

TEST_CASE("EncodePredict shares the bytes of a large output") {
  auto storage = std::make_shared<const std::string>(100000, 'b');
  Tensor tensor{DType::kUint8, {100000}, {}};
  tensor.data.Append({storage->data(), storage->size(), storage});
  Response response;
  response.outputs.push_back({"y", {std::move(tensor)}});
  const Bytes wire = EncodePredict(response);
  int shared = 0;
  for (const Bytes::Piece& piece : wire.pieces()) shared += piece.data == storage->data();
  CHECK(shared == 1);
}

}  // namespace
}  // namespace torchere
