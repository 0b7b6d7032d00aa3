// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/json_report.h"

#include <chrono>
#include <limits>
#include <string>

#include "client/cpp/wire/status.h"
#include "tests/support/catch.h"
#include "tests/unit/client/fake_server.h"

namespace torchere::cli {
namespace {

using namespace std::chrono_literals;

// Programs read these shapes: a change of what stands here breaks them.

TEST_CASE("the JSON of a prediction has its documented shape", "[cli]") {
  const Prediction prediction = {
      .model = {.name = "m", .version = 3, .label = "l", .method = "forward", .digest = "d"},
      .outputs = {{"p", *Tensor::Of<float>({1, 2}, {0.7f, 0.25f})},
                  {"v", Map{{.key = "a", .value = std::numeric_limits<double>::quiet_NaN()}}}},
      .timing = {.queue = 1ms, .compute = 2ms, .total = 4ms, .batch_rows = 8}};
  const MethodSignature method = {
      .name = "forward",
      .inputs = {},
      .outputs = {{.name = "p", .type = "Tensor", .labels = {"a", "b"}}}};
  CHECK(JsonText(PredictionJson(prediction, &method, 5ms, /*top=*/1)) ==
        R"({"model":{"name":"m","version":3,"label":"l","method":"forward","digest":"d"},)"
        R"("outputs":{"p":{"dtype":"FP32","shape":[1,2],"data":[[0.7,0.25]]},"v":{"a":"NaN"}},)"
        R"("classes":{"p":[[{"label":"a","index":0,"score":0.7}]]},)"
        R"("timing":{"elapsed_ms":5.0,"server_ms":4.0,"queue_ms":1.0,"compute_ms":2.0,)"
        R"("batch_rows":8}})");
}

TEST_CASE("the JSON of a status has its documented shape", "[cli]") {
  const ModelVersionStatus served = {.version = 2,
                                     .state = ModelState::kAvailable,
                                     .state_since = std::chrono::system_clock::time_point(0s),
                                     .load_time = 5ms,
                                     .device = "cpu",
                                     .backend = "torchscript",
                                     .digest = "d",
                                     .file_bytes = 9,
                                     .labels = {"a"}};
  const ModelVersionStatus failed = {
      .version = 1, .state = ModelState::kEnd, .error = absl::InternalError("broken")};
  CHECK(JsonText(StatusJson({{.name = "m", .versions = {served, failed}}})) ==
        R"({"models":[{"name":"m","versions":[)"
        R"({"version":2,"state":"AVAILABLE","error":null,"state_since":"1970-01-01T00:00:00Z",)"
        R"("load_ms":5.0,"device":"cpu","backend":"torchscript","digest":"d","file_bytes":9,)"
        R"("labels":["a"]},)"
        R"({"version":1,"state":"END","error":{"code":"INTERNAL","reason":"","message":"broken",)"
        R"("metadata":{},"retry_delay_ms":null,"next":[]},"state_since":null,"load_ms":null,)"
        R"("device":"","backend":"","digest":"","file_bytes":0,"labels":[]}]}]})");
}

TEST_CASE("the JSON of a signature has its documented shape", "[cli]") {
  ModelSignature signature;
  signature.model = {.name = "m", .version = 1};
  signature.methods.push_back(
      {.name = "forward",
       .inputs = {{.name = "x",
                   .type = "Tensor",
                   .dtype = DataType::kInt8,
                   .shape = std::vector<int64_t>{-1},
                   .range = IntRange{0, 9}}},
       .outputs =
           {{.name = "n", .type = "int", .has_default = true, .default_value = 2, .labels = {"a"}}},
       .batched = true,
       .run_costs = {{1, std::chrono::microseconds(5)}}});
  CHECK(JsonText(SignatureJson(signature)) ==
        R"({"model":{"name":"m","version":1,"label":"","method":"","digest":""},)"
        R"("methods":[{"name":"forward","inputs":[{"name":"x","type":"Tensor","dtype":"INT8",)"
        R"("shape":[-1],"has_default":false,"default":null,"labels":[],"range":[0,9]}],)"
        R"("outputs":[{"name":"n","type":"int","dtype":null,"shape":null,"has_default":true,)"
        R"("default":2,"labels":["a"],"range":null}],)"
        R"("batched":true,"run_costs":[{"rows":1,"time_ns":5000}]}]})");
}

TEST_CASE("the JSON of an error has its documented shape", "[cli]") {
  const absl::Status status =
      FromGrpc(testing::Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "QUEUE_FULL",
                                {{"model", "m"}}, /*retry_ms=*/250));
  CHECK(JsonText(ErrorJson(status, {"Wait."})) ==
        R"({"code":"RESOURCE_EXHAUSTED","reason":"QUEUE_FULL","message":"full",)"
        R"("metadata":{"model":"m"},"retry_delay_ms":250.0,"next":["Wait."]})");
}

}  // namespace
}  // namespace torchere::cli
