// SPDX-License-Identifier: Apache-2.0
// Answers are right, whatever they were batched with.
#include <atomic>
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

constexpr size_t kPixels = 64, kClasses = 10;

std::vector<float> RandomRows(size_t rows, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> pixel(0, 1);
  std::vector<float> pixels(rows * kPixels);
  for (float& one : pixels) one = pixel(random);
  return pixels;
}

absl::StatusOr<Prediction> Read(const Client& client, const std::vector<float>& pixels,
                                std::optional<std::chrono::nanoseconds> timeout = std::nullopt) {
  const auto rows = static_cast<int64_t>(pixels.size() / kPixels);
  return client.Predict(
      {.model = "digits",
       .inputs = {{"pixels", *Tensor::Of<float>({rows, 1, 8, 8}, std::span<const float>(pixels))}},
       .timeout = timeout});
}

std::vector<float> Scores(const Prediction& answer) {
  const auto scores = *(*answer.TensorOutput("probabilities"))->As<float>();
  return {scores.begin(), scores.end()};
}

bool Near(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
           return std::abs(x - y) < 1e-5F;
         });
}

// digits with what the test adds to its model.yaml, and what it answers to
// single rows.
struct Digits {
  explicit Digits(const std::string& batching, const std::string& more = "") {
    models.Write("digits/1/model.pt");
    const std::filesystem::path sample = kSource + "/models/digits";
    std::filesystem::copy_file(sample / "1/model.pt", models.Path("digits/1/model.pt"),
                               std::filesystem::copy_options::overwrite_existing);
    std::ifstream yaml(sample / "model.yaml");
    const std::string declared{std::istreambuf_iterator<char>(yaml), {}};
    models.Write("digits/model.yaml", declared + "batching: " + batching + "\n" + more);
    server.emplace(std::vector<std::string>{"--models=" + models.Path()});
  }

  TempFolder models;
  std::optional<Server> server;
};

TEST_CASE("64 clients at a time get each their own rows, batched, padded, split or cancelled") {
  const std::string batching =
      GENERATE("{mode: auto}", "{buckets: [5, 16], max_delay: 1ms}", "{max_rows: 3}");
  Digits digits(batching);
  const Client client = digits.server->Connect();
  std::atomic<int> answered = 0, wrong = 0, refused = 0;
  std::atomic<int64_t> largest = 0;
  std::vector<std::jthread> clients;
  for (unsigned c = 0; c < 64; ++c) {
    clients.emplace_back([&, c] {
      for (unsigned i = 0; i < 6; ++i) {
        // The rows one by one are the truth that the batch is held to.
        const std::vector<float> pixels = RandomRows(1 + (c + 5 * i) % 20, c * 100 + i);
        std::vector<float> expected;
        for (size_t row = 0; row < pixels.size(); row += kPixels) {
          const auto one = Read(client, {pixels.begin() + static_cast<int64_t>(row),
                                         pixels.begin() + static_cast<int64_t>(row + kPixels)});
          if (!one.ok()) break;
          const std::vector<float> scores = Scores(*one);
          expected.insert(expected.end(), scores.begin(), scores.end());
          largest = std::max(largest.load(), one->timing.batch_rows);
        }
        if (i % 3 == 0) (void)Read(client, pixels, std::chrono::microseconds(500));
        const auto answer = Read(client, pixels);
        if (!answer.ok() || expected.size() != pixels.size() / kPixels * kClasses) {
          ++refused;
          continue;
        }
        ++answered;
        if (!Near(Scores(*answer), expected)) ++wrong;
      }
    });
  }
  clients.clear();
  INFO(batching);
  CHECK(wrong == 0);
  CHECK(answered + refused == 64 * 6);
  CHECK(answered > 0);
  if (batching.find("buckets") != std::string::npos) CHECK(largest >= 5);
  CHECK(digits.server->Terminate() == 0);
  CHECK(digits.server->process().err().find("method 'forward' is batched") != std::string::npos);
}

TEST_CASE("With batch_invariant an answer is bit-equal alone and among 64 clients") {
  Digits digits("{max_rows: 16}", "batch_invariant: true\n");
  const Client client = digits.server->Connect();
  constexpr size_t kClients = 64;
  std::vector<std::vector<float>> alone;
  for (unsigned c = 0; c < kClients; ++c) {
    // Some go in two runs.
    const auto answer = Read(client, RandomRows(1 + c % 20, c));
    REQUIRE(answer.ok());
    CHECK(answer->timing.batch_rows == 16);
    alone.push_back(Scores(*answer));
  }
  std::atomic<int> equal = 0;
  std::vector<std::jthread> clients;
  for (unsigned c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      const std::vector<float> pixels = RandomRows(1 + c % 20, c);
      for (int i = 0; i < 5; ++i) {
        const auto answer = Read(client, pixels);
        if (answer.ok() && Scores(*answer) == alone[c]) ++equal;
      }
    });
  }
  clients.clear();
  CHECK(equal == kClients * 5);
  CHECK(digits.server->Terminate() == 0);
  CHECK(digits.server->process().err().find("bit-equal at any place") != std::string::npos);
}

TEST_CASE("A request of more rows than a run takes is answered whole") {
  Digits digits("{max_rows: 16}");
  const Client client = digits.server->Connect();
  const std::vector<float> pixels = RandomRows(100, 1);
  const auto answer = Read(client, pixels);
  REQUIRE(answer.ok());
  CHECK(answer->timing.batch_rows <= 16);
  const std::vector<float> scores = Scores(*answer);
  REQUIRE(scores.size() == 100 * kClasses);
  const auto last = Read(client, {pixels.end() - kPixels, pixels.end()});
  REQUIRE(last.ok());
  CHECK(Near(Scores(*last), {scores.end() - kClasses, scores.end()}));
}

TEST_CASE("More rows than may wait are refused with the limit") {
  Digits digits("{mode: auto}");
  const auto answer = Read(digits.server->Connect(), RandomRows(1025, 1));
  CHECK(absl::IsInvalidArgument(answer.status()));
  CHECK(DetailsOf(answer.status())->reason == "LIMIT_EXCEEDED");
}

}  // namespace
}  // namespace torchere
