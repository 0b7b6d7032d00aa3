// SPDX-License-Identifier: Apache-2.0
// The hand-written codec against protobuf's own parser.
#include <iomanip>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "server/frontend/torchere_v1/codec.h"
#include "server/frontend/wire/wire_writer.h"
#include "tests/fuzz/compare_predict.h"
#include "tests/fuzz/compare_stream.h"
#include "tests/fuzz/predict_seeds.h"
#include "tests/fuzz/wire_mutator.h"
#include "tests/support/catch.h"
#include "torchere/v1/predict.pb.h"

namespace torchere {
namespace {

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
    CHECK(request->priority == sent.options().priority());
    const v1::PredictResponse echo = Echo(*request);
    REQUIRE(echo.outputs_size() == sent.inputs_size());
    for (int k = 0; k < sent.inputs_size(); ++k) {
      CHECK(echo.outputs(k).SerializeAsString() == sent.inputs(k).SerializeAsString());
    }
  }
}

std::string Hex(const std::string& bytes) {
  std::ostringstream text;
  for (const unsigned char byte : bytes) {
    text << std::hex << std::setw(2) << std::setfill('0') << int{byte};
  }
  return text.str();
}

Verdict VerdictOf(const PredictCase& one) {
  const Comparison comparison = ComparePredict(one);
  INFO("message " << Hex(one.wire) << " in pieces of " << one.piece_bytes);
  CHECK(comparison.breach == "");
  return comparison.verdict;
}

TEST_CASE("The decoder and protobuf agree on mutated messages, but for its documented list") {
  const std::vector<std::string> seeds = PredictSeeds();
  std::mt19937 random(2);
  int count[3] = {};
  for (int i = 0; i < 150000; ++i) {
    PredictCase one = {.wire = seeds[random() % seeds.size()], .piece_bytes = random() % 8};
    if (i % 4 == 0) one.limits = kTightLimits;
    for (unsigned k = 0; k < random() % 4; ++k) one.wire = MutateWire(one.wire, random);
    ++count[static_cast<size_t>(VerdictOf(one))];
  }
  // The mutations hit all sides, or the test would say little.
  CHECK(count[static_cast<size_t>(Verdict::kBothAccept)] > 15000);
  CHECK(count[static_cast<size_t>(Verdict::kBothRefuse)] > 15000);
  CHECK(count[static_cast<size_t>(Verdict::kDecoderAloneRefuses)] > 15000);
}

TEST_CASE(
    "A stream's decoder and protobuf agree on mutated messages, but for its documented list") {
  const std::vector<std::string> seeds = StreamSeeds();
  std::mt19937 random(4);
  int count[3] = {};
  for (int i = 0; i < 60000; ++i) {
    std::string wire = seeds[random() % seeds.size()];
    for (unsigned k = 0; k < random() % 4; ++k) wire = MutateWire(wire, random);
    const Comparison comparison = CompareStream(wire, random() % 8);
    INFO("message " << Hex(wire));
    REQUIRE(comparison.breach == "");
    ++count[static_cast<size_t>(comparison.verdict)];
  }
  CHECK(count[static_cast<size_t>(Verdict::kBothAccept)] > 5000);
  CHECK(count[static_cast<size_t>(Verdict::kBothRefuse)] > 5000);
  CHECK(count[static_cast<size_t>(Verdict::kDecoderAloneRefuses)] > 5000);
}

TEST_CASE("The decoder takes messages and groups that lie 100 deep, as protobuf does") {
  // Of field 15, in the model, which is a message itself.
  const auto with_groups = [](size_t count) {
    WireWriter writer;
    writer.Text(1, std::string(count, '\x7b') + std::string(count, '\x7c'));
    return PredictCase{.wire = std::move(writer).Finish().ToString()};
  };
  CHECK(VerdictOf(with_groups(99)) == Verdict::kBothAccept);
  CHECK(VerdictOf(with_groups(100)) == Verdict::kBothRefuse);
}

TEST_CASE("The decoder takes a length that is written in 5 bytes, as protobuf does") {
  const std::string long_zero = "\x80\x80\x80\x80";
  CHECK(VerdictOf({.wire = "\x0a" + long_zero + std::string(1, 0)}) == Verdict::kBothAccept);
  CHECK(VerdictOf({.wire = "\x0a\x80" + long_zero + std::string(1, 0)}) == Verdict::kBothRefuse);
}

}  // namespace
}  // namespace torchere
