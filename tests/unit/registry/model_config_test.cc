// SPDX-License-Identifier: Apache-2.0
#include "server/registry/model_config.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

using Labels = std::vector<std::string>;

ModelConfig Read(const TempFolder& folder, const std::string& text) {
  const auto config = ReadModelConfig(folder.Write("model.yaml", text));
  INFO(config.status());
  REQUIRE(config.ok());
  return *config;
}

// The labels that a labels_file of this content gives.
Labels ReadLabels(const std::string& content) {
  const TempFolder folder;
  folder.Write("labels.txt", content);
  const ModelConfig config =
      Read(folder, "schema: 1\noutputs:\n  - {name: output, labels_file: labels.txt}\n");
  return config.methods.at("forward").outputs.at(0).labels;
}

std::string ErrorOf(const TempFolder& folder, const std::string& text) {
  const auto config = ReadModelConfig(folder.Write("model.yaml", text));
  CHECK(absl::IsInvalidArgument(config.status()));
  return std::string(config.status().message());
}

TEST_CASE("ReadModelConfig reads what is declared of forward and of other methods", "[registry]") {
  const TempFolder folder;
  const ModelConfig config = Read(folder, R"(# A comment.
schema: 1
inputs:
  - {name: pixels, dtype: FP32, shape: [-1, 1, 8, 8]}
  - name: scale
outputs:
  - name: output
    rename: probabilities
    dtype: BF16
    shape: [-1, 3]
    labels: [cat, "no", 7]
methods:
  embed:
    inputs: [{name: x, shape: []}]
  reset: {}
)");
  CHECK(config.path == folder.Path("model.yaml"));
  REQUIRE(config.methods.size() == 3);

  const DeclaredMethod& forward = config.methods.at("forward");
  REQUIRE(forward.inputs.size() == 2);
  CHECK(forward.inputs[0].name == "pixels");
  CHECK(forward.inputs[0].dtype == DType::kFp32);
  CHECK(forward.inputs[0].shape == Shape{-1, 1, 8, 8});
  CHECK(forward.inputs[0].line == 4);
  CHECK(forward.inputs[1].name == "scale");
  CHECK_FALSE(forward.inputs[1].dtype.has_value());
  CHECK_FALSE(forward.inputs[1].shape.has_value());
  REQUIRE(forward.outputs.size() == 1);
  CHECK(forward.outputs[0].rename == "probabilities");
  CHECK(forward.outputs[0].dtype == DType::kBf16);
  CHECK(forward.outputs[0].labels == Labels{"cat", "no", "7"});

  const DeclaredMethod& embed = config.methods.at("embed");
  REQUIRE(embed.inputs.size() == 1);
  CHECK(embed.inputs[0].shape == Shape{});
  CHECK(embed.outputs.empty());
  CHECK(config.methods.at("reset").inputs.empty());
}

TEST_CASE("ReadModelConfig reads how requests are batched and queued", "[registry]") {
  const TempFolder folder;
  const ModelConfig config = Read(folder, R"(schema: 1
batching: {mode: on, cut: all, max_delay: 1.5ms, buckets: [1, 4, 16]}
queue: {max_rows: 20, max_time: 2s}
limits: {concurrency: 3, memory: 2GiB}
stateful: true
warmup: {samples: [s/a.npz], time_limit: 2s}
)");
  CHECK(config.batching.mode == BatchingConfig::Mode::kOn);
  CHECK(config.batching.cut == BatchingConfig::Cut::kAll);
  CHECK(config.batching.max_delay == std::chrono::microseconds(1500));
  CHECK(config.batching.buckets == std::vector<int64_t>{1, 4, 16});
  CHECK(config.batching.max_rows == 16);
  CHECK(config.queue.max_rows == 20);
  CHECK(*config.queue.max_time == std::chrono::seconds(2));
  CHECK(config.limits.concurrency == 3);
  CHECK(config.limits.memory == int64_t{2} << 30);
  CHECK(config.stateful);
  CHECK(config.warmup.samples == std::vector<std::string>{folder.Path("s/a.npz")});
  CHECK(config.warmup.time_limit == std::chrono::seconds(2));
}

TEST_CASE("With batch_invariant max_rows is the only bucket, wherever the key stands",
          "[registry]") {
  const TempFolder folder;
  const std::string text = GENERATE("schema: 1\nbatch_invariant: true\nbatching: {max_rows: 8}\n",
                                    "schema: 1\nbatching: {buckets: [8]}\nbatch_invariant: true\n");
  const ModelConfig config = Read(folder, text);
  CHECK(config.batching.invariant);
  CHECK(config.batching.buckets == std::vector<int64_t>{8});
}

TEST_CASE("ReadModelConfig reads the devices, in order", "[registry]") {
  const TempFolder folder;
  CHECK(Read(folder, "schema: 1").devices.empty());
  CHECK(Read(folder, "schema: 1\ndevices: [cuda:1, cpu]\n").devices ==
        std::vector<Device>{{Device::Kind::kCuda, 1}, Device{}});
  CHECK(Read(folder, "schema: 1\nstateful: true\ndevices: [cuda:1]\n").devices.size() == 1);
}

TEST_CASE("ReadModelConfig takes a file that declares nothing", "[registry]") {
  const TempFolder folder;
  CHECK(Read(folder, "schema: 1").methods.empty());
  CHECK(Read(folder, "---\nschema: 1\ninputs: []\n...\n").methods.empty());
  CHECK(Read(folder, "\xEF\xBB\xBFschema: 1\r\noutputs: []\r\n").methods.empty());
  CHECK(Read(folder, R"({"schema": 1, "methods": {}})").methods.empty());
}

TEST_CASE("ReadModelConfig knows every dtype by its name", "[registry]") {
  const TempFolder folder;
  for (uint64_t number = 1; number <= 10; ++number) {
    const DType dtype = DTypeFromNumber(number).value();
    const std::string text =
        absl::StrCat("schema: 1\ninputs: [{name: x, dtype: ", Name(dtype), "}]\n");
    CHECK(Read(folder, text).methods.at("forward").inputs.at(0).dtype == dtype);
  }
}

TEST_CASE("ReadModelConfig reads a label a line from a labels_file", "[registry]") {
  CHECK(ReadLabels("cat\ndog\n") == Labels{"cat", "dog"});
  CHECK(ReadLabels("cat\ndog") == Labels{"cat", "dog"});
  CHECK(ReadLabels("cat\r\ndog\r\n") == Labels{"cat", "dog"});
  CHECK(ReadLabels("\xEF\xBB\xBFn01440764\ttench, Tinca tinca\n") ==
        Labels{"n01440764\ttench, Tinca tinca"});
}

TEST_CASE("ReadModelConfig names the labels_file and the line that it cannot take", "[registry]") {
  const TempFolder folder;
  const std::string text = "schema: 1\noutputs:\n  - name: output\n    labels_file: labels.txt\n";
  const std::string place = folder.Path("model.yaml") + ":4: outputs[0].labels_file: ";
  SECTION("a missing file") {
    CHECK(ErrorOf(folder, text) == place + folder.Path("labels.txt") + ": no such file");
  }
  SECTION("an empty file") {
    folder.Write("labels.txt");
    CHECK(ErrorOf(folder, text) == place + folder.Path("labels.txt") + ":1: an empty label");
  }
  SECTION("an empty line") {
    folder.Write("labels.txt", "cat\n\ndog\n");
    CHECK(ErrorOf(folder, text) == place + folder.Path("labels.txt") + ":2: an empty label");
  }
  SECTION("a control character") {
    folder.Write("labels.txt", "cat\nd\x1Bog\n");
    CHECK(absl::StrContains(ErrorOf(folder, text), "labels.txt:2: has a control character"));
  }
  SECTION("a text that is not UTF-8") {
    folder.Write("labels.txt", "caf\xE9\n");
    CHECK(absl::StrContains(ErrorOf(folder, text), "labels.txt: not UTF-8"));
  }
  SECTION("a file over 1 MiB") {
    folder.Write("labels.txt", std::string((1 << 20) + 1, 'x'));
    CHECK(absl::StrContains(ErrorOf(folder, text), "labels.txt: longer than 1048576 bytes"));
  }
  SECTION("a count that does not fit the shape") {
    folder.Write("labels.txt", "cat\ndog\n");
    CHECK(absl::StrContains(ErrorOf(folder, text + "    shape: [-1, 3]\n"),
                            "2 labels for the last dimension of [any, 3]"));
  }
}

TEST_CASE("ReadModelConfig reads no labels from outside the model's folder", "[registry]") {
  const TempFolder folder;
  folder.Write("secret.txt", "password\n");
  folder.Write("model-2/secret.txt", "password\n");
  folder.MakeFolder("model/sub");
  folder.Link("model/link.txt", "../secret.txt");
  folder.Link("model/out", "..");
  const std::string name =
      GENERATE("../secret.txt", "sub/../../secret.txt", "link.txt", "out/secret.txt", "..",
               "../model-2/secret.txt", "/etc/hostname", "../none.txt");
  const std::string path = folder.Write(
      "model/model.yaml",
      absl::StrCat("schema: 1\noutputs:\n  - {name: output, labels_file: '", name, "'}\n"));
  const auto config = ReadModelConfig(path);
  INFO(config.status());
  CHECK(absl::IsInvalidArgument(config.status()));
  CHECK(absl::StrContains(config.status().message(), "must be in the model's own folder"));
}

TEST_CASE("ReadModelConfig follows links within the model's folder", "[registry]") {
  const TempFolder folder;
  folder.Write("..2024_05_01/model.yaml",
               "schema: 1\noutputs: [{name: output, labels_file: sub/labels.txt}]\n");
  folder.Write("..2024_05_01/labels.txt", "cat\n");
  folder.Link("..data", "..2024_05_01");
  folder.Link("model.yaml", "..data/model.yaml");
  folder.Link("sub", "..data");
  const auto config = ReadModelConfig(folder.Path("model.yaml"));
  INFO(config.status());
  REQUIRE(config.ok());
  CHECK(config->methods.at("forward").outputs.at(0).labels == Labels{"cat"});
}

TEST_CASE("ReadModelConfig names the file that it cannot read", "[registry]") {
  const TempFolder folder;
  for (const std::string& path : {folder.Path("none.yaml"), folder.Path()}) {
    const auto config = ReadModelConfig(path);
    CHECK(absl::IsInvalidArgument(config.status()));
    CHECK(absl::StartsWith(config.status().message(), path + ": "));
  }
}

TEST_CASE("ReadModelConfig ends at its limits, however a file is built", "[registry]") {
  const TempFolder folder;
  const std::string head = "schema: 1\noutputs:\n";
  const auto repeated = [](int times, const std::string& text) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  SECTION("of bytes") {
    CHECK(absl::StrContains(ErrorOf(folder, std::string((1 << 20) + 1, ' ')),
                            "longer than 1048576 bytes"));
  }
  SECTION("of values") {
    CHECK(absl::StrContains(ErrorOf(folder, head + "[" + repeated(120'000, "a,") + "]"),
                            "more than 100000 values"));
  }
  SECTION("of levels, in brackets") {
    // The map of the file is a level too.
    CHECK(absl::StrContains(ErrorOf(folder, head + repeated(16, "[")), "deeper than 16 levels"));
    const std::string deepest = head + " " + repeated(15, "[") + repeated(15, "]");
    CHECK(absl::StrContains(ErrorOf(folder, deepest), "outputs[0]: expected a map"));
    CHECK(absl::StrContains(ErrorOf(folder, std::string(1 << 18, '[')), "deeper than 16 levels"));
    CHECK(absl::StrContains(ErrorOf(folder, std::string(1 << 18, '{')), ":1: "));
  }
  SECTION("of levels, in dashes") {
    CHECK(absl::StrContains(ErrorOf(folder, repeated(500'000, "- ")), "deeper than 16 levels"));
  }
  SECTION("of levels, in question marks") {
    CHECK(absl::StrContains(ErrorOf(folder, repeated(500'000, "? ")), "deeper than 16 levels"));
  }
  SECTION("of what a few anchors stand for") {
    std::string text = "schema: 1\na0: &a0 [x, x]\n";
    for (int i = 1; i < 40; ++i) {
      absl::StrAppend(&text, "a", i, ": &a", i, " [*a", i - 1, ", *a", i - 1, "]\n");
    }
    CHECK(absl::StrContains(ErrorOf(folder, text), ":2: anchors (&name) are not supported"));
  }
  SECTION("of a key's length") {
    const std::string error = ErrorOf(folder, "schema: 1\n? " + std::string(500'000, 'k') + "\n");
    CHECK(absl::StrContains(error, "unknown key"));
    CHECK(error.size() < 1024);
  }
}

}  // namespace
}  // namespace torchere
