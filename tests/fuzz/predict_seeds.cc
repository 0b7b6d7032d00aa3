// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/predict_seeds.h"

#include <utility>

#include "server/frontend/wire/wire_writer.h"

namespace torchere {
namespace {

void Fill(v1::Value& value, std::mt19937& random, int depth) {
  switch (random() % (depth > 4 ? 6 : 8)) {
    case 0: {
      v1::Tensor& tensor = *value.mutable_tensor();
      tensor.set_dtype(v1::DATA_TYPE_INT16);
      tensor.add_shape(static_cast<int64_t>(random() % 3));
      tensor.add_shape(static_cast<int64_t>(random() % 3));
      tensor.set_data(std::string(static_cast<size_t>(2 * tensor.shape(0) * tensor.shape(1)), 'x'));
      break;
    }
    case 1:
      value.set_text("t\xc3\xa4");
      break;
    case 2:
      value.set_int_(static_cast<int64_t>(random()) - (int64_t{1} << 31));
      break;
    case 3:
      value.set_float_(static_cast<double>(random()) / 3);
      break;
    case 4:
      value.set_bool_(random() % 2 == 0);
      break;
    case 5:
      value.mutable_null();
      break;
    case 6:
      value.mutable_list();
      for (unsigned i = 0; i < random() % 3; ++i) {
        Fill(*value.mutable_list()->add_values(), random, depth + 1);
      }
      break;
    default:
      value.mutable_map();
      for (unsigned i = 0; i < random() % 3; ++i) {
        auto& entry = *value.mutable_map()->add_entries();
        entry.set_int_(i);
        Fill(*entry.mutable_value(), random, depth + 1);
      }
  }
}

}  // namespace

v1::PredictRequest RandomRequest(std::mt19937& random) {
  v1::PredictRequest request;
  request.mutable_model()->set_name("m");
  if (random() % 2 == 0) request.mutable_model()->set_version(3);
  request.mutable_options()->set_request_id("id");
  if (random() % 2 == 0) request.mutable_options()->set_priority(static_cast<int32_t>(random()));
  for (unsigned i = 0; i < 1 + random() % 3; ++i) {
    auto& input = *request.add_inputs();
    input.set_name(std::string(1, static_cast<char>('a' + i)));
    Fill(*input.mutable_value(), random, 1);
  }
  return request;
}

namespace {

// A request whose one input's value has the fields that `fill` writes.
template <typename F>
std::string WithValue(F fill) {
  WireWriter writer;
  writer.Message(2, [&fill](WireWriter& input) {
    input.Text(1, "x");
    input.Message(2, fill);
  });
  return std::move(writer).Finish().ToString();
}

}  // namespace

std::vector<std::string> PredictSeeds() {
  std::mt19937 random(1);
  std::vector<std::string> seeds = {""};
  for (int i = 0; i < 40; ++i) seeds.push_back(RandomRequest(random).SerializeAsString());
  // A shape in pieces, packed and not; the dtype twice.
  seeds.push_back(WithValue([](WireWriter& value) {
    value.Message(1, [](WireWriter& tensor) {
      tensor.Varint(1, 9);
      tensor.Varint(2, 1);
      tensor.Text(2, "\x02\x03");
      tensor.Text(3, std::string(24, 'x'));
      tensor.Varint(2, 1);
      tensor.Varint(1, 9);
    });
  }));
  // Keys of both kinds, and fields of no known number or type.
  seeds.push_back(WithValue([](WireWriter& value) {
    value.Message(7, [](WireWriter& map) {
      map.Message(1, [](WireWriter& entry) {
        entry.Text(1, "k");
        entry.Message(3, [](WireWriter& item) { item.Varint(5, 1); });
      });
      map.Message(1, [](WireWriter& entry) {
        entry.Varint(2, 7);
        entry.Message(3, [](WireWriter& item) { item.Message(8, [](WireWriter&) {}); });
      });
    });
    value.Fixed64(3, 1);
    value.Text(1000, "later");
  }));
  seeds.push_back(std::string("\x0b\x08\x01\x0c\x0d", 5) + "1234");
  return seeds;
}

std::vector<std::string> StreamSeeds() {
  std::mt19937 random(3);
  std::vector<std::string> seeds = {""};
  for (int i = 0; i < 10; ++i) {
    v1::PredictStreamRequest message;
    message.set_id(random());
    if (i % 3 == 0) {
      message.mutable_cancel();
    } else {
      *message.mutable_predict() = RandomRequest(random);
    }
    if (i % 2 == 0) message.mutable_timeout()->set_seconds(i);
    if (i % 4 == 0) message.mutable_timeout()->set_nanos(i * 1000);
    seeds.push_back(message.SerializeAsString());
  }
  // A timeout in two pieces; a cancel with a field; an id twice.
  WireWriter writer;
  writer.Varint(1, 1);
  writer.Message(4, [](WireWriter& timeout) { timeout.Varint(1, 2); });
  writer.Message(3, [](WireWriter& cancel) { cancel.Text(9, "later"); });
  writer.Message(4, [](WireWriter& timeout) { timeout.Varint(2, 3); });
  writer.Varint(1, 2);
  seeds.push_back(std::move(writer).Finish().ToString());
  return seeds;
}

}  // namespace torchere
