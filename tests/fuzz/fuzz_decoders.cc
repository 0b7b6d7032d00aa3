// SPDX-License-Identifier: Apache-2.0
// libFuzzer's target: DecodePredict and DecodeStreamMessage against protobuf's parser.
// An input's first byte says how the rest, the message, is given: its upper bit takes
// tight limits, the others are the bytes of a piece.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "tests/fuzz/compare_predict.h"
#include "tests/fuzz/compare_stream.h"
#include "tests/fuzz/wire_mutator.h"

// Of libFuzzer.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

void Check(const torchere::Comparison& comparison) {
  if (comparison.breach.empty()) return;
  std::fprintf(stderr, "%s\n", comparison.breach.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece_bytes = data[0] & 0x7fu;
  Check(torchere::CompareStream(wire, piece_bytes));
  Check(torchere::ComparePredict(
      {.wire = wire,
       .piece_bytes = piece_bytes,
       .limits = data[0] < 0x80 ? torchere::WireLimits() : torchere::kTightLimits}));
  return 0;
}

// Half the time libFuzzer's own, which knows bytes; else ours, which knows fields.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  std::mt19937 random(seed);
  if (size == 0 || random() % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string mutated = torchere::MutateWire(wire, random);
  const size_t kept = std::min(mutated.size(), max_size - 1);
  std::memcpy(data + 1, mutated.data(), kept);
  return kept + 1;
}
