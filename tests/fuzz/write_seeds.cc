// SPDX-License-Identifier: Apache-2.0
// Writes the fuzzer's first inputs: write_seeds FOLDER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/predict_seeds.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_seeds FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  std::vector<std::string> seeds = torchere::PredictSeeds();
  for (std::string& seed : torchere::StreamSeeds()) seeds.push_back(std::move(seed));
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream file(folder / ("seed_" + std::to_string(i)), std::ios::binary);
    // In pieces of 0 to 8 bytes.
    file << static_cast<char>(i % 9) << seeds[i];
    if (!file.flush()) return 1;
  }
  return 0;
}
