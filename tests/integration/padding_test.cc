// SPDX-License-Identifier: Apache-2.0
// Requests of different lengths share runs, and are answered as alone.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/server.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

constexpr int64_t kLongest = 40;

constexpr char kInputs[] = R"(schema: 1
inputs:
  - {name: tokens, dtype: INT64, shape: [-1, -1], range: [0, 31]}
  - {name: attention, dtype: BOOL}
)";

// tagger twice: `padded` as the test has it, and `plain`, which runs each request alone.
struct Taggers {
  explicit Taggers(const std::string& pad) {
    for (const std::string name : {"padded", "plain"}) {
      models.MakeFolder(name + "/1");
      std::filesystem::copy_file(kSource + "/tests/data/tagger.pt",
                                 models.Path(name + "/1/model.pt"));
    }
    models.Write("padded/model.yaml", kInputs + pad);
    models.Write("plain/model.yaml", kInputs + std::string("batching: {mode: off}\n"));
    server.emplace(std::vector<std::string>{"--models=" + models.Path()});
  }

  TempFolder models;
  std::optional<Server> server;
};

// Rows of tokens of one length, and which of them count: empty where all do.
struct Sentences {
  Sentences(int64_t rows, int64_t length, unsigned seed)
      : shape({rows, length}), tokens(static_cast<size_t>(rows * length)) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<int64_t> token(0, 31);
    for (int64_t& one : tokens) one = token(random);
    if (seed % 3 != 0) return;
    attention.resize(tokens.size());
    for (size_t i = 0; i < attention.size(); ++i) {
      // One of each row at least.
      attention[i] = i % static_cast<size_t>(length) == 0 || token(random) % 2 == 0;
    }
  }

  std::vector<int64_t> shape;
  std::vector<int64_t> tokens;
  std::vector<uint8_t> attention;
};

absl::StatusOr<Prediction> Tag(const Client& client, const std::string& model,
                               const Sentences& sentences) {
  std::vector<NamedValue> inputs = {
      {"tokens",
       *Tensor::Of<int64_t>(sentences.shape, std::span<const int64_t>(sentences.tokens))}};
  if (!sentences.attention.empty()) {
    const auto bytes = std::as_bytes(std::span(sentences.attention));
    inputs.push_back({"attention", *Tensor::Create(DataType::kBool, sentences.shape,
                                                   {bytes.begin(), bytes.end()})});
  }
  return client.Predict({.model = model, .inputs = std::move(inputs)});
}

bool Near(const Prediction& a, const Prediction& b, const std::string& output) {
  const Tensor& x = **a.TensorOutput(output);
  const Tensor& y = **b.TensorOutput(output);
  const auto p = *x.As<float>();
  const auto q = *y.As<float>();
  return x.shape() == y.shape() && std::equal(p.begin(), p.end(), q.begin(), [](float f, float g) {
           return std::abs(f - g) < 1e-5F;
         });
}

TEST_CASE("64 clients at a time with inputs of any length get each what they would get alone") {
  const std::string more =
      GENERATE("", "batching: {max_rows: 3}\n", "batching: {buckets: [5, 16], max_delay: 1ms}\n");
  const Taggers taggers(
      "pad: {tokens: {buckets: [4, 12, 40], mask: attention, outputs: [hidden]}}\n" + more);
  const Client client = taggers.server->Connect();
  std::atomic<int> right = 0, shared = 0;
  std::vector<std::jthread> clients;
  for (unsigned c = 0; c < 64; ++c) {
    clients.emplace_back([&, c] {
      for (unsigned i = 0; i < 6; ++i) {
        const Sentences sentences(1 + (c + i) % 5, 1 + (7 * c + 11 * i) % kLongest, c * 100 + i);
        const auto alone = Tag(client, "plain", sentences);
        const auto answer = Tag(client, "padded", sentences);
        if (!alone.ok() || !answer.ok()) continue;
        if (Near(*alone, *answer, "hidden") && Near(*alone, *answer, "pooled")) ++right;
        if (answer->timing.batch_rows > sentences.shape[0]) ++shared;
      }
    });
  }
  clients.clear();
  INFO(more);
  CHECK(right == 64 * 6);
  if (more.find("max_delay") != std::string::npos) CHECK(shared > 0);
}

TEST_CASE("The log says that padding is right, or plainly that it changes answers") {
  const std::string mask = GENERATE("", ", mask: attention");
  Taggers taggers("pad: {tokens: {buckets: [4, 12], outputs: [hidden]" + mask + "}}\n");
  CHECK(taggers.server->Terminate() == 0);
  const std::string& log = taggers.server->process().err();
  INFO(log);
  if (mask.empty()) {
    CHECK(log.find("'forward' is padded to 4, 12: PADDING CHANGES ANSWERS: output") !=
          std::string::npos);
  } else {
    CHECK(log.find("is padded to 4, 12: a request's answer is the same") != std::string::npos);
    CHECK(log.find("is batched at length 4: a row's answer") != std::string::npos);
    CHECK(log.find("is batched at length 12: a row's answer") != std::string::npos);
  }
}

TEST_CASE("Callers see that a mask may be left out, and are refused what is too long") {
  const Taggers taggers("pad: {tokens: {buckets: [4, 12], mask: attention}}\n");
  const Client client = taggers.server->Connect();
  const auto signature = client.Signature({.model = "padded"});
  REQUIRE(signature.ok());
  const auto& inputs = signature->methods.at(0).inputs;
  CHECK_FALSE(inputs.at(0).has_default);
  CHECK(inputs.at(1).has_default);
  const auto answer = Tag(client, "padded", Sentences(2, 13, 1));
  CHECK(absl::IsInvalidArgument(answer.status()));
  CHECK(DetailsOf(answer.status())->reason == "SHAPE_MISMATCH");
  CHECK(answer.status().message() ==
        "model 'padded' version 1: input 'tokens': expected shape [any, 1 to 12], got [2, 13]");
}

}  // namespace
}  // namespace torchere
