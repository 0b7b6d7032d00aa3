// SPDX-License-Identifier: Apache-2.0
// The hand-written codec against protobuf's own parser.
#include <cstring>
#include <random>
#include <string>

#include "server/frontend/torchere_v1/codec.h"
#include "tests/support/catch.h"
#include "torchere/v1/predict.pb.h"

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

v1::PredictRequest RandomRequest(std::mt19937& random) {
  v1::PredictRequest request;
  request.mutable_model()->set_name("m");
  if (random() % 2 == 0) request.mutable_model()->set_version(3);
  request.mutable_options()->set_request_id("id");
  for (unsigned i = 0; i < 1 + random() % 3; ++i) {
    auto& input = *request.add_inputs();
    input.set_name(std::string(1, static_cast<char>('a' + i)));
    Fill(*input.mutable_value(), random, 1);
  }
  return request;
}

// The request's inputs, written by our encoder as a response's outputs.
v1::PredictResponse Echo(const Request& request) {
  Response response;
  response.outputs = request.inputs;
  v1::PredictResponse message;
  REQUIRE(message.ParseFromString(EncodePredict(response).ToString()));
  return message;
}

TEST_CASE("The codec reads and writes what protobuf does, for every kind of value") {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const v1::PredictRequest sent = RandomRequest(random);
    const auto request = DecodePredict(Bytes(sent.SerializeAsString()));
    REQUIRE(request.ok());
    CHECK(request->model.name == sent.model().name());
    CHECK(request->request_id == sent.options().request_id());
    const v1::PredictResponse echo = Echo(*request);
    REQUIRE(echo.outputs_size() == sent.inputs_size());
    for (int k = 0; k < sent.inputs_size(); ++k) {
      CHECK(echo.outputs(k).SerializeAsString() == sent.inputs(k).SerializeAsString());
    }
  }
}

TEST_CASE("The codec accepts nothing that protobuf refuses") {
  std::mt19937 random(2);
  int refused_by_both = 0, accepted_by_both = 0;
  for (int i = 0; i < 30000; ++i) {
    std::string wire = RandomRequest(random).SerializeAsString();
    for (unsigned k = 0; k < 1 + random() % 3; ++k) {
      wire[random() % wire.size()] = static_cast<char>(random());
    }
    v1::PredictRequest message;
    const bool protobuf_accepts = message.ParseFromString(wire);
    const bool we_accept = DecodePredict(Bytes(wire)).ok();
    if (!protobuf_accepts) CHECK_FALSE(we_accept);
    refused_by_both += !protobuf_accepts && !we_accept;
    accepted_by_both += protobuf_accepts && we_accept;
  }
  // The mutations hit both sides, or the test would say nothing.
  CHECK(refused_by_both > 1000);
  CHECK(accepted_by_both > 1000);
}

}  // namespace
}  // namespace torchere
