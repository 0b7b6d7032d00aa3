// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/registry/model_config.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

// A document that is wrong, and what the message must say after the file's name.
struct Broken {
  std::string text;
  std::string message;
};

void CheckRefused(const Broken& broken) {
  const TempFolder folder;
  const std::string path = folder.Write("model.yaml", broken.text);
  const auto config = ReadModelConfig(path);
  INFO(broken.text);
  INFO(config.status().message());
  CHECK(absl::IsInvalidArgument(config.status()));
  CHECK(absl::StartsWith(config.status().message(), path + broken.message));
}

TEST_CASE("ReadModelConfig refuses what is not YAML, or more than plain YAML", "[registry]") {
  CheckRefused(GENERATE(values<Broken>({
      {"", ":1: is empty"},
      {"# only a comment\n", ":1: is empty"},
      {"null\n", ":1: is empty"},
      {"schema: [1\n", ":1: end of sequence flow not found"},
      {"schema: 1\n\tinputs: []\n", ":2: illegal tab"},
      {"schema: 1\ninputs: }\n", ":2: "},
      {"schema: 1\ninputs: \"open\n", ":2: illegal EOF in scalar"},
      {"schema: 1\ninputs: [{name: 'open", ":2: illegal EOF in scalar"},
      {"schema: 1\n  inputs: []\n", ":2: "},
      {"schema: 1\ninputs: []]\n", ":2: "},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", ":1: expected a map"},
      {"schema: 1\ninputs: @x\n", ":2: "},
      {"schema: 1\n---\nschema: 1\n", ":2: a second document"},
      {"schema: 1\n...\ninputs: []\n", ":3: a second document, or text that belongs to none"},
      {"schema: 1\ninputs: &all []\n", ":2: anchors (&name) are not supported"},
      {"schema: 1\ninputs: &all\n  - name: x\noutputs: *all\n", ":2: anchors"},
      {"schema: 1\ninputs: *none\n", ":2: "},
      {"schema: !!int 1\n", ":1: tags are not supported: 'tag:yaml.org,2002:int'"},
      {"schema: 1\ninputs: !!python/object:os.system []\n", ":2: tags are not supported"},
      {"schema: 1\noutputs: [{name: caf\xE9}]\n", ": not UTF-8 text"},
      {std::string("schema: 1\n\0", 11), ":2: has a control character"},
      {"schema: 1\n\x04inputs: []\n", ":2: has a control character"},
      {"PK\x03\x04", ":1: has a control character; is it a text file?"},
  })));
}

TEST_CASE("ReadModelConfig refuses a file without schema 1 at its head", "[registry]") {
  CheckRefused(GENERATE(values<Broken>({
      {"inputs: []\n", ":1: the first key must be 'schema: 1'"},
      {"inputs: []\nschema: 1\n", ":1: the first key must be 'schema: 1'"},
      {"{}\n", ":1: the first key must be 'schema: 1'"},
      {"schema:\n", ":1: schema: expected a whole number, got nothing"},
      {"schema: 2\n", ":1: schema: expected 1, the one that this server reads, got 2"},
      {"schema: one\n", ":1: schema: expected a whole number, got 'one'"},
      {"schema: \"1\"\n", ":1: schema: expected a whole number without quotes, got '1'"},
      {"schema: 1.0\n", ":1: schema: expected a whole number, got '1.0'"},
      {"schema: [1]\n", ":1: schema: expected a whole number, got a list"},
      {"schema: 99999999999999999999\n", ":1: schema: expected a whole number"},
      {"- schema: 1\n", ":1: expected a map of keys and values, got a list"},
      {"just text\n", ":1: expected a map of keys and values, got 'just text'"},
  })));
}

TEST_CASE("ReadModelConfig refuses unknown and repeated keys and names their place", "[registry]") {
  CheckRefused(GENERATE(values<Broken>({
      {"schema: 1\ninput: []\n", ":2: input: unknown key, did you mean 'inputs'?; known are "},
      {"schema: 1\nOutputs: []\n", ":2: Outputs: unknown key, did you mean 'outputs'?"},
      {"schema: 1\n\ncolour: red\n",
       ":3: colour: unknown key; known are schema, inputs, outputs, methods"},
      {"schema: 1\nbaching: {}\n", ":2: baching: unknown key, did you mean 'batching'?"},
      {"schema: 1\n1: 2\n", ":2: 1: unknown key; known are "},
      {"schema: 1\n\"a\\nb\": 2\n", ":2: a\\nb: unknown key"},
      {"schema: 1\n<<: {inputs: []}\n", ":2: <<: unknown key"},
      {"schema: 1\n[a, b]: 1\n", ":2: a key must be a text, got a list"},
      {"schema: 1\n? {a: b}\n: 1\n", ":2: a key must be a text, got a map"},
      {"schema: 1\n~: 1\n", ":2: a key must be a text, got nothing"},
      {"schema: 1\nschema: 1\n", ":2: schema: the key stands already in line 1"},
      {"schema: 1\ninputs: []\noutputs: []\ninputs: []\n",
       ":4: inputs: the key stands already in line 2"},
      {"schema: 1\ninputs: []\n\"inputs\": []\n", ":3: inputs: the key stands already in line 2"},
      {"schema: 1\ninputs:\n  - name: x\n    name: y\n",
       ":4: inputs[0].name: the key stands already in line 3"},
      {"schema: 1\ninputs:\n  - name: x\n  - name: y\n    dtpye: FP32\n",
       ":5: inputs[1].dtpye: unknown key, did you mean 'dtype'?; known are name, dtype, shape, "
       "range"},
      {"schema: 1\nmethods:\n  embed: {}\n  embed: {}\n",
       ":4: methods.embed: the key stands already in line 3"},
      {"schema: 1\nmethods:\n  embed: {input: []}\n",
       ":3: methods.embed.input: unknown key, did you mean 'inputs'?"},
      {"schema: 1\nmethods:\n  embed:\n    outputs:\n      - name: x\n        lables: []\n",
       ":6: methods.embed.outputs[0].lables: unknown key, did you mean 'labels'?"},
      {"schema: 1\nmethods:\n  embed: {batching: {}}\n",
       ":3: methods.embed.batching: unknown key; known are inputs, outputs"},
  })));
}

TEST_CASE("ReadModelConfig refuses each key that the server does not act on yet", "[registry]") {
  const std::string key = GENERATE("threads", "tune", "versions", "labels", "traffic", "swap",
                                   "required", "files", "provenance");
  CheckRefused({absl::StrCat("schema: 1\n", key, ": {}\n"),
                absl::StrCat(":2: ", key, ": this server does not support the key yet")});
}

TEST_CASE("ReadModelConfig refuses wrong values of batching, queue, limits and stateful",
          "[registry]") {
  CheckRefused(GENERATE(values<Broken>({
      {"schema: 1\nbatching: {mode: maybe}\n",
       ":2: batching.mode: expected auto, on or off, got 'maybe'"},
      {"schema: 1\nbatching: {cut: some}\n", ":2: batching.cut: expected best or all, got 'some'"},
      {"schema: 1\nbatching: {max_rows: 0}\n", ":2: batching.max_rows: expected 1 to 1024, got 0"},
      {"schema: 1\nbatching: {max_delay: 5}\n",
       ":2: batching.max_delay: expected a time from 0 to 1h, as 500us, 5ms or 1.5s, got '5'"},
      {"schema: 1\nbatching: {max_delay: -5ms}\n", ":2: batching.max_delay: expected a time"},
      {"schema: 1\nbatching: {buckets: [4, 2]}\n",
       ":2: batching.buckets[1]: buckets must ascend; 2 comes after 4"},
      {"schema: 1\nbatching: {max_rows: 8, buckets: [4]}\n",
       ":2: batching: the last bucket is 4, but max_rows is 8; give one of them"},
      {"schema: 1\nbatch_invariant: true\nbatching: {buckets: [2, 4]}\n",
       ":1: with batch_invariant there is one bucket, got 2; give batching.max_rows alone"},
      {"schema: 1\nbatching: {rows: 8}\n",
       ":2: batching.rows: unknown key; known are mode, cut, max_rows, max_delay, buckets"},
      {"schema: 1\nwarmup: {samples: [/etc/passwd]}\n",
       ":2: warmup.samples[0]: the file must be in the model's own folder, got '/etc/passwd'"},
      {"schema: 1\nwarmup: {sample: []}\n",
       ":2: warmup.sample: unknown key; known are samples, time_limit"},
      {"schema: 1\nqueue: {max_time: soon}\n", ":2: queue.max_time: expected a time"},
      {"schema: 1\nlimits: {concurrency: 0}\n",
       ":2: limits.concurrency: expected 1 to 1024, got 0"},
      {"schema: 1\nlimits: {memory: 2GB}\n",
       ":2: limits.memory: expected bytes, as 500MiB or 2GiB, got '2GB'"},
      {"schema: 1\nlimits: {memory: 0}\n", ":2: limits.memory: expected bytes"},
      {"schema: 1\nlimits: {memory: 9223372036854775807GiB}\n",
       ":2: limits.memory: expected bytes"},
      {"schema: 1\nlimits: {threads: 1}\n",
       ":2: limits.threads: unknown key; known are concurrency, memory"},
      {"schema: 1\nqueue: {rows: 8}\n",
       ":2: queue.rows: unknown key; known are max_rows, max_time"},
      {"schema: 1\nstateful: 'true'\n", ":2: stateful: expected true or false, got"},
  })));
}

TEST_CASE("ReadModelConfig refuses wrong devices", "[registry]") {
  CheckRefused(GENERATE(values<Broken>({
      {"schema: 1\ndevices: cpu\n", ":2: devices: expected a list, got 'cpu'"},
      {"schema: 1\ndevices: []\n", ":2: devices: has no device in it"},
      {"schema: 1\ndevices: [cpu, gpu]\n",
       ":2: devices[1]: expected cpu or cuda:N, as cuda:0, got 'gpu'"},
      {"schema: 1\ndevices: [cuda:0, cpu, cuda:0]\n", ":2: devices[2]: cuda:0 stands here twice"},
      {"schema: 1\ndevices: [cuda:0, cuda:1]\nstateful: true\n",
       ":2: devices: a stateful model keeps its state on one device; name one"},
  })));
}

TEST_CASE("ReadModelConfig refuses a range that is none, and one of an output", "[registry]") {
  CheckRefused(GENERATE(values<Broken>({
      {"schema: 1\ninputs: [{name: x, range: [0]}]\n",
       ":2: inputs[0].range: expected [least, most], got 1 items"},
      {"schema: 1\ninputs: [{name: x, range: [3, 2]}]\n",
       ":2: inputs[0].range: the least, 3, is above the most, 2"},
      {"schema: 1\ninputs: [{name: x, range: [0, 1.5]}]\n",
       ":2: inputs[0].range[1]: expected a whole number, got '1.5'"},
      {"schema: 1\noutputs: [{name: x, range: [0, 9]}]\n",
       ":2: outputs[0].range: only an input has this key"},
  })));
}

TEST_CASE("ReadModelConfig refuses wrong values and names their place", "[registry]") {
  CheckRefused(GENERATE(values<Broken>({
      {"schema: 1\ninputs: {name: x}\n", ":2: inputs: expected a list, got a map"},
      {"schema: 1\ninputs:\n", ":2: inputs: expected a list, got nothing"},
      {"schema: 1\ninputs: x\n", ":2: inputs: expected a list, got 'x'"},
      {"schema: 1\ninputs:\n  - x\n", ":3: inputs[0]: expected a map of keys and values, got 'x'"},
      {"schema: 1\ninputs:\n  -\n\n\n  - name: y\n",
       ":2: inputs[0]: expected a map of keys and values, got nothing"},
      {"schema: 1\ninputs:\n  - {dtype: FP32}\n", ":3: inputs[0]: has no name"},
      {"schema: 1\ninputs:\n  - name:\n", ":3: inputs[0].name: expected a text, got nothing"},
      {"schema: 1\ninputs:\n  - name: ''\n", ":3: inputs[0].name: is empty"},
      {"schema: 1\ninputs:\n  - name: [x]\n", ":3: inputs[0].name: expected a text, got a list"},
      {"schema: 1\ninputs:\n  - name: \"a\\0b\"\n",
       ":3: inputs[0].name: has a control character: 'a\\000b'"},
      {"schema: 1\ninputs:\n  - name: x\n  - name: y\n  - name: x\n",
       ":5: inputs[2]: the name 'x' stands already in line 3"},
      {"schema: 1\ninputs:\n  - name: x\n    dtype: float32\n",
       ":4: inputs[0].dtype: unknown dtype 'float32'; known are BOOL, UINT8, INT8, INT16, INT32, "
       "INT64, FP16, BF16, FP32, FP64"},
      {"schema: 1\ninputs:\n  - name: x\n    shape: 3\n",
       ":4: inputs[0].shape: expected a list, got '3'"},
      {"schema: 1\ninputs:\n  - name: x\n    shape: [1,\n      -2]\n",
       ":5: inputs[0].shape[1]: expected a length, or -1 where any will do, got -2"},
      {"schema: 1\ninputs:\n  - name: x\n    shape: [any]\n",
       ":4: inputs[0].shape[0]: expected a whole number, got 'any'"},
      {"schema: 1\ninputs:\n  - name: x\n    shape: [9223372036854775808]\n",
       ":4: inputs[0].shape[0]: expected a whole number"},
      {"schema: 1\ninputs:\n  - name: x\n    shape: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\n",
       ":4: inputs[0].shape: a tensor has at most 16 dimensions, got 17"},
      {"schema: 1\ninputs:\n  - name: x\n    labels: [a]\n",
       ":4: inputs[0].labels: only an output has this key"},
      {"schema: 1\ninputs:\n  - name: x\n    rename: y\n",
       ":4: inputs[0].rename: only an output has this key"},
      {"schema: 1\noutputs:\n  - name: x\n    labels: []\n",
       ":4: outputs[0].labels: has no label in it"},
      {"schema: 1\noutputs:\n  - name: x\n    labels: [yes, null]\n",
       ":4: outputs[0].labels[1]: expected a text, got nothing"},
      {"schema: 1\noutputs:\n  - name: x\n    labels: [a]\n    labels_file: b\n",
       ":5: outputs[0].labels_file: give either labels or a labels_file"},
      {"schema: 1\noutputs:\n  - {name: x, shape: [-1, 3], labels: [a, b]}\n",
       ":3: outputs[0]: 2 labels for the last dimension of [any, 3], which counts 3"},
      {"schema: 1\noutputs:\n  - {name: x, labels: [a], shape: []}\n",
       ":3: outputs[0]: a tensor without dimensions has no classes to label"},
      {"schema: 1\nmethods: [embed]\n",
       ":2: methods: expected a map of keys and values, got a list"},
      {"schema: 1\nmethods:\n  embed:\n",
       ":3: methods.embed: expected a map of keys and values, got nothing"},
      {"schema: 1\nmethods:\n  forward: {}\n",
       ":3: methods.forward: inputs and outputs of forward stand at the top"},
  })));
}

TEST_CASE("ReadModelConfig refuses a name that no request could give", "[registry]") {
  const std::string name(257, 'n');
  CheckRefused({absl::StrCat("schema: 1\noutputs:\n  - name: ", name, "\n"),
                ":3: outputs[0].name: longer than 256 bytes"});
  CheckRefused({absl::StrCat("schema: 1\noutputs:\n  - {name: x, rename: ", name, "}\n"),
                ":3: outputs[0].rename: longer than 256 bytes"});
}

}  // namespace
}  // namespace torchere
