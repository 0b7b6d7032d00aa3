// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/text_report.h"

#include <chrono>
#include <string>

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a prediction is shown with its classes, other outputs and times", "[cli]") {
  const Prediction prediction = {
      .model = {.name = "pets",
                .version = 3,
                .label = "stable",
                .method = "forward",
                .digest = "sha256:0123456789abcdef0123"},
      .outputs = {{"p", *Tensor::Of<float>({1, 2}, {0.25f, 0.75f})}, {"note", "ok"}},
      .timing = {.queue = 100us, .compute = 2ms, .total = 3ms, .batch_rows = 8}};
  const MethodSignature method = {
      .name = "forward",
      .inputs = {},
      .outputs = {{.name = "p", .type = "Tensor", .labels = {"cat", "dog"}}}};
  CHECK(PredictionText(prediction, &method, 4ms, /*top=*/3, {}) ==
        "pets version 3 (stable), forward  sha256:0123456789ab\n"
        "p  FP32 [1, 2]\n"
        "  dog  ########################          75.00 %\n"
        "  cat  ########                          25.00 %\n"
        "note  \"ok\"\n"
        "time 4.00 ms, of it in the server 3.00 ms: queue 0.10 ms, model 2.00 ms, batch of 8\n");
  CHECK_THAT(PredictionText(prediction, nullptr, 4ms, 3, {}),
             Catch::Contains("p  FP32 [1, 2]\n  [0] [0.25, 0.75]\n"));
}

TEST_CASE("each row of a batch is shown under its number, up to a screen", "[cli]") {
  const std::vector<float> scores(2 * 30, 0.5f);
  const Prediction prediction = {
      .model = {}, .outputs = {{"p", *Tensor::Of<float>({30, 2}, std::span<const float>(scores))}}};
  const MethodSignature method = {
      .name = "forward",
      .inputs = {},
      .outputs = {{.name = "p", .type = "Tensor", .labels = {"a", "b"}}}};
  const std::string text = PredictionText(prediction, &method, 1ms, 1, {});
  CHECK_THAT(text, Catch::Contains("  row 19\n"));
  CHECK_THAT(text, !Catch::Contains("  row 20\n"));
  CHECK_THAT(text, Catch::Contains("… 10 more rows"));
}

TEST_CASE("the status shows each version, and why one failed", "[cli]") {
  const std::vector<ModelStatus> models = {
      {.name = "digits",
       .versions = {{.version = 12,
                     .state = ModelState::kAvailable,
                     .state_since = std::chrono::system_clock::time_point(1700000000s),
                     .load_time = 45ms,
                     .device = "cpu",
                     .file_bytes = 94'210,
                     .labels = {"stable", "best"}}}},
      {.name = "x",
       .versions = {{.version = 1,
                     .state = ModelState::kEnd,
                     .error = absl::InvalidArgumentError("bad\nfile")}}},
      {.name = "empty", .versions = {}}};
  CHECK(StatusText(models, {}) ==
        "MODEL   VERSION  STATE      LABELS       DEVICE     SIZE     LOAD  SINCE\n"
        "digits       12  AVAILABLE  stable,best  cpu     94.2 kB  45.0 ms  2023-11-14T22:13:20Z\n"
        "x             1  END\n"
        "empty      none\n"
        "x version 1: INVALID_ARGUMENT: bad file\n");
  CHECK(StatusText({}, {}) == "the server has no models\n");
}

TEST_CASE("the signature shows what is declared, and how to call it", "[cli]") {
  ModelSignature signature;
  signature.model = {.name = "m", .version = 1};
  signature.methods.push_back(
      {.name = "forward",
       .inputs = {{.name = "x",
                   .type = "Tensor",
                   .dtype = DataType::kFp32,
                   .shape = std::vector<int64_t>{-1, 4}},
                  {.name = "text", .type = "str"},
                  {.name = "i", .type = "int", .range = IntRange{0, 9}},
                  {.name = "n", .type = "int", .has_default = true, .default_value = 2}},
       .outputs = {{.name = "p", .type = "Tensor", .labels = {"a", "b"}}},
       .batched = true,
       .run_costs = {{1, 100us}, {32, 640us}}});
  signature.methods.push_back({.name = "reset", .inputs = {}, .outputs = {}});
  CHECK(SignatureText(signature, {}) ==
        "m version 1\n"
        "forward\n"
        "  inputs\n"
        "    x     Tensor  FP32  [-1, 4]\n"
        "    text  str\n"
        "    i     int                    0 to 9\n"
        "    n     int                    default 2\n"
        "  outputs\n"
        "    p  Tensor      labels a, b\n"
        "  runs: batched by rows\n"
        "     1  row   0.10 ms  0.1 ms a row\n"
        "    32  rows  0.64 ms  0.02 ms a row\n"
        "reset\n"
        "  inputs: none\n"
        "  outputs: none\n"
        "  runs: one request each\n"
        "try: torchere predict m --input x=@x.npy --input text='some text' --input i=1\n");
}

TEST_CASE("a duration is shown in the unit that suits it", "[cli]") {
  CHECK(DurationText(123us) == "0.12 ms");
  CHECK(DurationText(45'600us) == "45.6 ms");
  CHECK(DurationText(1200ms) == "1.20 s");
}

}  // namespace
}  // namespace torchere::cli
