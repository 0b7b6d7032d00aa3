// SPDX-License-Identifier: Apache-2.0
#include "server/registry/padding_config.h"

#include <cmath>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/request/values.h"

namespace torchere {
namespace {

using Kind = ValueType::Kind;

const ValueType kTensor = TensorType();
const ValueType kInt = IntType();
const ValueType kOptionalTensor = OptionalOf(TensorType());

absl::StatusOr<ModelConfig> Read(const std::string& text) {
  const TempFolder folder;
  absl::StatusOr<ModelConfig> config =
      ReadModelConfig(folder.Write("model.yaml", "schema: 1\n" + text));
  if (config.ok()) config->path = "model.yaml";
  return config;
}

// A forward of tokens, segments, attention and k that returns hidden, pooled and count.
Signature MakeSignature() {
  MethodSignature forward;
  forward.name = "forward";
  forward.inputs = {Spec("tokens"), Spec("segments", kOptionalTensor),
                    Spec("attention", kOptionalTensor), Spec("k", kInt)};
  forward.inputs[1].has_default = forward.inputs[2].has_default = true;
  forward.outputs = {Spec("hidden"), Spec("pooled"), Spec("count", kInt)};
  return Signature{.methods = {forward}};
}

constexpr char kInputs[] = R"(inputs:
  - {name: tokens, dtype: INT64, shape: [-1, -1], range: [0, 99]}
  - {name: segments, dtype: UINT8, shape: [-1, -1]}
  - {name: attention, dtype: FP16}
outputs:
  - {name: hidden, rename: vectors, shape: [-1, -1, 8]}
  - {name: pooled, shape: [-1, 8]}
)";

absl::StatusOr<MethodSignature> Declared(const std::string& text) {
  const auto config = Read(text);
  if (!config.ok()) return config.status();
  Signature signature = MakeSignature();
  const absl::Status status = Declare(*config, signature);
  if (!status.ok()) return status;
  return signature.methods.front();
}

TEST_CASE("ReadModelConfig reads what pad says of inputs, and defaults for the rest") {
  const auto config = Read(
      "pad:\n"
      "  tokens: {axis: 2, value: -1.5, buckets: [16, 64], mask: m, outputs: [a, b]}\n"
      "  segments: {buckets: [8]}\n"
      "methods: {embed: {pad: {x: {buckets: [1], value: -.inf}}}}\n");
  REQUIRE(config.ok());
  const auto& all = config->methods.at("forward").padding;
  REQUIRE(all.size() == 2);
  CHECK(all[0].input == "tokens");
  CHECK(all[0].axis == 2);
  CHECK(all[0].value == -1.5);
  CHECK(all[0].buckets == std::vector<int64_t>{16, 64});
  CHECK(all[0].mask == "m");
  CHECK(all[0].outputs == std::vector<std::string>{"a", "b"});
  CHECK(all[1].axis == 1);
  CHECK(all[1].value == 0);
  CHECK(all[1].mask.empty());
  CHECK(all[1].line == 4);
  CHECK(std::isinf(config->methods.at("embed").padding.at(0).value));
}

struct Broken {
  std::string text;
  std::string message;
};

TEST_CASE("ReadModelConfig refuses wrong values of pad and names their place") {
  const Broken broken = GENERATE(values<Broken>({
      {"pad: [x]\n", ":2: pad: expected a map of keys and values, got a list"},
      {"pad: {}\n", ":2: pad: has no input in it"},
      {"pad: {x: 16}\n", ":2: pad.x: expected a map of keys and values, got '16'"},
      {"pad:\n  x: {axis: 1}\n", ":3: pad.x: has no buckets, as buckets: [16, 64]"},
      {"pad:\n  x:\n    axis: 0\n", ":4: pad.x.axis: 0 is the axis of the rows; expected 1"},
      {"pad: {x: {axis: 16}}\n", ":2: pad.x.axis: expected 1 to 15, got 16"},
      {"pad: {x: {axis: one}}\n", ":2: pad.x.axis: expected a whole number, got 'one'"},
      {"pad: {x: {value: none}}\n", ":2: pad.x.value: expected a number, got 'none'"},
      {"pad: {x: {value: '0'}}\n", ":2: pad.x.value: expected a number, got '0'"},
      {"pad: {x: {value: .nan}}\n", ":2: pad.x.value: expected a number, got '.nan'"},
      {"pad: {x: {value: 1 2}}\n", ":2: pad.x.value: expected a number, got '1 2'"},
      {"pad: {x: {value: [0]}}\n", ":2: pad.x.value: expected a number, got a list"},
      {"pad: {x: {buckets: 16}}\n", ":2: pad.x.buckets: expected a list, got '16'"},
      {"pad: {x: {buckets: []}}\n", ":2: pad.x.buckets: has no length in it"},
      {"pad: {x: {buckets: [0]}}\n", ":2: pad.x.buckets[0]: expected 1 to 16777216, got 0"},
      {"pad: {x: {buckets: [4, 4]}}\n",
       ":2: pad.x.buckets[1]: buckets must ascend; 4 comes after 4"},
      {"pad: {x: {mask: []}}\n", ":2: pad.x.mask: expected a text, got a list"},
      {"pad: {x: {outputs: y}}\n", ":2: pad.x.outputs: expected a list, got 'y'"},
      {"pad: {x: {outputs: [[]]}}\n", ":2: pad.x.outputs[0]: expected a text, got a list"},
      {"pad: {x: {size: 4}}\n",
       ":2: pad.x.size: unknown key; known are axis, value, buckets, mask, outputs"},
      {"pad: {x: {}, x: {}}\n", ":2: pad.x: the key stands already in line 2"},
      {"methods: {embed: {pad: {x: {axis: 0}}}}\n", ":2: methods.embed.pad.x.axis: 0 is the axis"},
  }));
  const auto config = Read(broken.text);
  INFO(broken.text);
  INFO(config.status().message());
  CHECK(absl::IsInvalidArgument(config.status()));
  CHECK(absl::StrContains(config.status().message(), "model.yaml" + broken.message));
}

TEST_CASE("ReadModelConfig takes at most 32 lengths of pad") {
  std::string lengths = "1";
  for (int i = 2; i <= 33; ++i) absl::StrAppend(&lengths, ", ", i);
  CHECK(absl::StrContains(Read("pad: {x: {buckets: [" + lengths + "]}}\n").status().message(),
                          "pad.x.buckets: expected at most 32, got 33"));
}

TEST_CASE("Declare puts padding into the method, and makes its masks optional") {
  const auto method = Declared(absl::StrCat(kInputs, R"(pad:
  tokens: {value: 3, buckets: [4, 8], mask: attention, outputs: [hidden]}
  segments: {buckets: [4, 8]}
)"));
  INFO(method.status());
  REQUIRE(method.ok());
  const Padding& padding = method->padding;
  CHECK(padding.buckets == std::vector<int64_t>{4, 8});
  REQUIRE(padding.inputs.size() == 2);
  CHECK(padding.inputs[0].place == 0);
  CHECK(padding.inputs[0].axis == 1);
  CHECK(padding.inputs[0].item == std::string("\3\0\0\0\0\0\0\0", 8));
  CHECK(padding.inputs[1].place == 1);
  CHECK(padding.inputs[1].item == std::string(1, '\0'));
  REQUIRE(padding.masks.size() == 1);
  CHECK(padding.masks[0].place == 2);
  CHECK(padding.masks[0].of == 0);
  CHECK(padding.masks[0].zero == std::string(2, '\0'));
  CHECK(padding.masks[0].one == std::string("\x00\x3C", 2));
  REQUIRE(padding.outputs.size() == 1);
  CHECK(padding.outputs[0].name == "vectors");
  const ValueSpec& mask = method->inputs[2];
  CHECK(mask.is_made);
  CHECK(mask.shape == Shape{-1, -1});
}

TEST_CASE("Declare notes of which input each mask is") {
  const auto method = Declared(absl::StrCat(kInputs, R"(pad:
  tokens: {buckets: [4]}
  segments: {buckets: [4], mask: attention}
)"));
  INFO(method.status());
  REQUIRE(method.ok());
  REQUIRE(method->padding.masks.size() == 1);
  CHECK(method->padding.masks[0].place == 2);
  CHECK(method->padding.masks[0].of == 1);
}

TEST_CASE("Declare refuses padding that does not fit the archive or the rest of the file") {
  const std::string buckets = "buckets: [4, 8]";
  const Broken broken = GENERATE_COPY(values<Broken>({
      {"pad: {token: {" + buckets + "}}\n",
       "pad.token: the archive has no input 'token'; it has 'tokens', 'segments', 'attention', "
       "'k'"},
      {"pad: {k: {" + buckets + "}}\n",
       "pad.k: input 'k' is a int in the archive; only a Tensor is padded"},
      {"pad: {attention: {" + buckets + "}}\n",
       "pad.attention: input 'attention' needs a declared dtype and shape, as inputs: [{name: "
       "attention, dtype: INT64, shape: [-1, -1]}]"},
      {"pad: {tokens: {axis: 2, " + buckets + "}}\n",
       "pad.tokens: 'tokens' is declared as [any, any]; expected -1 at axis 2"},
      {"pad: {tokens: {" + buckets + "}, segments: {buckets: [4]}}\n",
       "pad.segments.buckets: all inputs under pad have one length: expected tokens's [4, 8]"},
      {"pad: {tokens: {value: 0.5, " + buckets + "}}\n", "pad.tokens.value: 0.5 is no INT64"},
      {"pad: {tokens: {value: 100, " + buckets + "}}\n",
       "pad.tokens.value: 100 is outside of the input's range, 0 to 99"},
      {"pad: {tokens: {" + buckets + "}, segments: {value: -1, " + buckets + "}}\n",
       "pad.segments.value: -1 is no UINT8"},
      {"pad: {segments: {" + buckets + "}}\n",
       "pad.segments: every input under pad may be left out; one of them must not"},
      {"pad: {tokens: {mask: masks, " + buckets + "}}\n",
       "pad.tokens.mask: the archive has no input 'masks'"},
      {"pad: {tokens: {mask: k, " + buckets + "}}\n", "pad.tokens.mask: input 'k' is a int"},
      {"pad: {tokens: {mask: tokens, " + buckets + "}}\n",
       "pad.tokens.mask: input 'tokens' is itself under pad"},
      {"pad: {tokens: {mask: segments, " + buckets + "}, segments: {" + buckets + "}}\n",
       "pad.tokens.mask: input 'segments' is itself under pad"},
      {"pad: {tokens: {mask: attention, " + buckets + "}, segments: {mask: attention, " + buckets +
           "}}\n",
       "pad.segments.mask: input 'attention' is the mask of another already"},
      {"pad: {tokens: {outputs: [vectors], " + buckets + "}}\n",
       "pad.tokens.outputs: the archive has no output 'vectors'; it has 'hidden', 'pooled', "
       "'count'"},
      {"pad: {tokens: {outputs: [count], " + buckets + "}}\n",
       "pad.tokens.outputs: output 'count' is a int; only a Tensor is cut"},
      {"pad: {tokens: {outputs: [pooled], " + buckets + "}}\n",
       "pad.tokens.outputs: 'pooled' is declared as [any, 8]; expected -1 at axis 1"},
      {"pad: {tokens: {outputs: [hidden, hidden], " + buckets + "}}\n",
       "pad.tokens.outputs: output 'hidden' stands here twice"},
      {"pad: {tokens: {" + buckets + "}}\nstateful: true\n",
       "pad.tokens: the requests of a stateful model never run together; take pad out"},
      {"pad: {tokens: {" + buckets + "}}\nbatching: {mode: off}\n",
       "pad.tokens: with batching: {mode: off} requests never run together; take pad out"},
  }));
  const auto method = Declared(kInputs + broken.text);
  INFO(broken.text);
  INFO(method.status().message());
  CHECK(absl::IsInvalidArgument(method.status()));
  CHECK(absl::StartsWith(method.status().message(),
                         "model.yaml:9: method 'forward': " + broken.message));
}

TEST_CASE("Declare refuses a mask of another shape than [rows, length], or of no known dtype") {
  const std::string inputs = "inputs:\n  - {name: tokens, dtype: FP32, shape: [-1, -1]}\n";
  const std::string pad = "pad: {tokens: {buckets: [4], mask: attention}}\n";
  CHECK(absl::StrContains(
      Declared(inputs + "  - {name: attention, dtype: BOOL, shape: [-1, 1, 1, -1]}\n" + pad)
          .status()
          .message(),
      "a mask is [rows, length]: expected [-1, -1], but 'attention' is declared as [any, 1, 1, "
      "any]"));
  CHECK(absl::StrContains(Declared(inputs + pad).status().message(),
                          "pad.tokens.mask: input 'attention' needs a declared dtype, as inputs: "
                          "[{name: attention, dtype: BOOL}]"));
}

TEST_CASE("Of outputs that vary any may be cut") {
  Signature signature = MakeSignature();
  signature.methods[0].outputs.clear();
  signature.methods[0].outputs_vary = true;
  signature.methods[0].returns = {
      .kind = Kind::kDict, .elements = {kTensor, kTensor}, .fields = {}, .text = "Dict"};
  const auto config = Read(absl::StrCat("inputs: [{name: tokens, dtype: INT64, shape: [-1, -1]}]\n",
                                        "pad: {tokens: {buckets: [4], outputs: [hidden]}}\n"));
  REQUIRE(config.ok());
  REQUIRE(Declare(*config, signature).ok());
  CHECK(signature.methods[0].padding.outputs.at(0).name == "hidden");
}

}  // namespace
}  // namespace torchere
