// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/wire/codec.h"

#include <chrono>
#include <string>
#include <utility>

#include "google/protobuf/text_format.h"
#include "tests/support/catch.h"

namespace torchere {
namespace {

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

TEST_CASE("a call is encoded field by field", "[client]") {
  const PredictCall call = {.model = "wine",
                            .inputs = {{"features", *Tensor::Of<int16_t>({1, 2}, {1, -2})}},
                            .method = "logits",
                            .version = 3,
                            .outputs = {"b", "a"},
                            .request_id = "r7",
                            .priority = -2};
  const auto expected = FromText<v1::PredictRequest>(R"(
      model { name: "wine" version: 3 method: "logits" }
      inputs {
        name: "features"
        value { tensor { dtype: DATA_TYPE_INT16 shape: [1, 2] data: "\001\000\376\377" } }
      }
      outputs: "b" outputs: "a"
      options { request_id: "r7" priority: -2 })");
  CHECK(EncodePredict(call).DebugString() == expected.DebugString());
}

TEST_CASE("a label is sent in place of a version", "[client]") {
  const v1::PredictRequest wire = EncodePredict({.model = "wine", .label = "stable"});
  CHECK(wire.model().label() == "stable");
  CHECK(wire.model().choice_case() == v1::ModelSpec::kLabel);
  CHECK(EncodePredict({.model = "wine"}).model().choice_case() == v1::ModelSpec::CHOICE_NOT_SET);
}

TEST_CASE("every kind of value is the same after both ways", "[client]") {
  const Value value = List{nullptr,
                           *Tensor::Of<bool>({2}, {true, false}),
                           "text",
                           int64_t{-5},
                           -0.25,
                           true,
                           List{},
                           Map{{.key = "b", .value = 1}, {.key = "a", .value = List{2}}},
                           Map{{.key = int64_t{9}, .value = nullptr}}};
  const v1::Value wire = EncodeValue(value);
  const auto back = DecodeValue(wire);
  REQUIRE(back.ok());
  // The messages show all of a value, its order too.
  CHECK(EncodeValue(*back).DebugString() == wire.DebugString());
  CHECK(wire.list().values(7).map().entries(0).text() == "b");
  CHECK(wire.list().values(8).map().entries(0).int_() == 9);
}

TEST_CASE("a prediction is decoded with its times", "[client]") {
  const auto prediction = DecodePrediction(FromText<v1::PredictResponse>(R"(
      model { name: "wine" version: 2 label: "stable" method: "forward" digest: "sha256:00" }
      outputs { name: "label" value { tensor { dtype: DATA_TYPE_UINT8 shape: 1 data: "\002" } } }
      outputs { name: "note" value { text: "ok" } }
      timing { queue { nanos: 5 } compute { seconds: 1 nanos: 7 } total { seconds: 2 }
               batch_rows: 4 }
      request_id: "r7")"));
  REQUIRE(prediction.ok());
  CHECK(prediction->model.name == "wine");
  CHECK(prediction->model.version == 2);
  CHECK(prediction->model.label == "stable");
  CHECK(prediction->model.digest == "sha256:00");
  CHECK(prediction->timing.queue == std::chrono::nanoseconds(5));
  CHECK(prediction->timing.compute == std::chrono::nanoseconds(1'000'000'007));
  CHECK(prediction->timing.batch_rows == 4);
  CHECK(prediction->request_id == "r7");
  const auto tensor = prediction->TensorOutput("label");
  REQUIRE(tensor.ok());
  CHECK((*tensor)->As<uint8_t>()->front() == 2);
  CHECK(*prediction->Output("note")->If<std::string>() == "ok");
}

TEST_CASE("a tensor that is decoded has the message's bytes, not copies", "[client]") {
  v1::Value wire;
  v1::Tensor& tensor = *wire.mutable_tensor();
  tensor.set_dtype(v1::DATA_TYPE_FP32);
  tensor.add_shape(1000);
  tensor.set_data(std::string(4000, '\1'));
  const void* const data = tensor.data().data();
  const auto value = DecodeValue(std::move(wire));
  REQUIRE(value.ok());
  CHECK(value->If<Tensor>()->data().data() == data);
}

TEST_CASE("an output that is not there or no tensor is refused by name", "[client]") {
  Prediction prediction;
  prediction.model.name = "wine";
  prediction.outputs = {{"label", 1}, {"note", "ok"}};
  CHECK(prediction.Output("nope") == nullptr);
  const absl::Status missing = prediction.TensorOutput("nope").status();
  CHECK(absl::IsNotFound(missing));
  CHECK(missing.message() ==
        "model 'wine' returned no output 'nope'; it returned: 'label', 'note'");
  CHECK(absl::IsInvalidArgument(prediction.TensorOutput("note").status()));
}

TEST_CASE("an answer that the client cannot hold is INTERNAL", "[client]") {
  const char* text = GENERATE(
      "", "list { values {} }", "map { entries { text: 'a' } }",
      "map { entries { value { int: 1 } } }", "tensor { dtype: DATA_TYPE_FP32 shape: 2 data: '1' }",
      "tensor { shape: 0 }", "tensor { dtype: DATA_TYPE_BOOL shape: 1 data: '\\002' }",
      "tensor { dtype: DATA_TYPE_FP32 shape: -1 }");
  CAPTURE(text);
  CHECK(absl::IsInternal(DecodeValue(FromText<v1::Value>(text)).status()));
}

TEST_CASE("a dtype that the client does not know is INTERNAL", "[client]") {
  v1::Value wire;
  wire.mutable_tensor()->set_dtype(static_cast<v1::DataType>(99));
  const absl::Status status = DecodeValue(wire).status();
  CHECK(absl::IsInternal(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("99"));
}

TEST_CASE("a model's status is decoded with its error and its times", "[client]") {
  const ModelStatus status = DecodeModelStatus(FromText<v1::ModelStatus>(R"(
      name: "wine"
      versions { version: 2 state: MODEL_STATE_END
                 error { code: 3 message: "bad file" reason: "MODEL_REJECTED" } }
      versions { version: 1 state: MODEL_STATE_AVAILABLE state_since { seconds: 10 nanos: 5000 }
                 load_time { nanos: 9 } device: "cpu" backend: "torchscript" digest: "d"
                 file_bytes: 12 labels: "stable" labels: "old" })"));
  CHECK(status.name == "wine");
  REQUIRE(status.versions.size() == 2);
  CHECK(status.versions[0].state == ModelState::kEnd);
  CHECK(status.versions[0].error.message() == "bad file");
  CHECK(DetailsOf(status.versions[0].error)->reason == "MODEL_REJECTED");
  CHECK_FALSE(status.versions[0].state_since.has_value());
  CHECK_FALSE(status.versions[0].load_time.has_value());
  const ModelVersionStatus& served = status.versions[1];
  CHECK(served.error.ok());
  CHECK(served.state_since->time_since_epoch() == std::chrono::microseconds(10'000'005));
  CHECK(served.load_time == std::chrono::nanoseconds(9));
  CHECK(served.labels == std::vector<std::string>{"stable", "old"});
  CHECK(served.file_bytes == 12);
}

TEST_CASE("a signature is decoded with what is declared and what is not", "[client]") {
  const auto signature = DecodeSignature(FromText<v1::GetModelSignatureResponse>(R"(
      model { name: "wine" version: 1 }
      methods {
        name: "forward"
        inputs { name: "x" type: "Tensor" dtype: DATA_TYPE_FP32 shape { dims: -1 dims: 13 } }
        inputs { name: "n" type: "int" has_default: true default_value { int: 4 } }
        outputs { name: "p" type: "Tensor" labels: "a" labels: "b" }
      })"));
  REQUIRE(signature.ok());
  REQUIRE(signature->methods.size() == 1);
  const MethodSignature& method = signature->methods[0];
  CHECK(method.inputs[0].dtype == DataType::kFp32);
  CHECK(method.inputs[0].shape == std::vector<int64_t>{-1, 13});
  CHECK_FALSE(method.inputs[0].default_value.has_value());
  CHECK(*method.inputs[1].default_value->If<int64_t>() == 4);
  CHECK_FALSE(method.outputs[0].dtype.has_value());
  CHECK_FALSE(method.outputs[0].shape.has_value());
  CHECK(method.outputs[0].labels == std::vector<std::string>{"a", "b"});
}

}  // namespace
}  // namespace torchere
