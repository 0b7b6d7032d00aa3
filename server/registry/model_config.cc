// SPDX-License-Identifier: Apache-2.0
#include "server/registry/model_config.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/status_macros.h"
#include "server/registry/batching_config.h"
#include "server/registry/closest_name.h"
#include "server/registry/padding_config.h"
#include "server/registry/path_in_folder.h"
#include "server/registry/text_file.h"
#include "server/registry/yaml_value.h"

namespace torchere {
namespace {

using Values = std::vector<DeclaredValue>;

// Limits of a request: what is longer could not be asked for.
constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxRank = 16;
// So that a signature with its labels stays below the 4 MiB that a gRPC client
// takes by default.
constexpr size_t kMaxLabelsFileBytes = size_t{1} << 20;
constexpr size_t kMaxLabelBytes = 4096;

// The keys of a map: those that are read here, and those that the format has
// and this server does not act on. One of the latter must not be passed over:
// its writer counts on it.
struct Keys {
  std::vector<std::string> known;
  std::vector<std::string> later;
};

const Keys& FileKeys() {
  static const Keys kKeys = {
      {"schema", "inputs", "outputs", "methods", "batching", "batch_invariant", "queue", "limits",
       "stateful", "warmup", "devices", "pad"},
      {"threads", "tune", "versions", "labels", "traffic", "swap", "required", "files",
       "provenance"}};
  return kKeys;
}

const Keys& MethodKeys() {
  static const Keys kKeys = {{"inputs", "outputs", "pad"}, {}};
  return kKeys;
}

const Keys& InputKeys() {
  static const Keys kKeys = {{"name", "dtype", "shape", "range"}, {}};
  return kKeys;
}

const Keys& OutputKeys() {
  static const Keys kKeys = {{"name", "dtype", "shape", "labels", "labels_file", "rename"}, {}};
  return kKeys;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::Status CheckKeys(const std::vector<YamlEntry>& entries, const Keys& keys) {
  for (const auto& [key, value] : entries) {
    if (Contains(keys.known, key)) continue;
    if (Contains(keys.later, key)) {
      return value.Error("this server does not support the key yet; take it out");
    }
    if (Contains(OutputKeys().known, key) && &keys == &InputKeys()) {
      return value.Error("only an output has this key");
    }
    if (Contains(InputKeys().known, key) && &keys == &OutputKeys()) {
      return value.Error("only an input has this key");
    }
    std::vector<std::string> all = keys.known;
    all.insert(all.end(), keys.later.begin(), keys.later.end());
    const std::string closest = ClosestName(key, all);
    const std::string advice =
        closest.empty() ? "" : absl::StrCat(", did you mean '", closest, "'?");
    return value.Error(
        absl::StrCat("unknown key", advice, "; known are ", absl::StrJoin(keys.known, ", ")));
  }
  return absl::OkStatus();
}

absl::Status CheckSchema(const YamlValue& root, const std::vector<YamlEntry>& entries) {
  if (entries.empty() || entries.front().key != "schema") {
    return root.Error("the first key must be 'schema: 1'");
  }
  const YamlValue& schema = entries.front().value;
  TORCHERE_ASSIGN_OR_RETURN(const int64_t number, schema.Int());
  if (number == 1) return absl::OkStatus();
  return schema.Error(absl::StrCat("expected 1, the one that this server reads, got ", number));
}

absl::StatusOr<DType> ReadDType(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::string name, value.Text(kMaxNameBytes));
  if (const auto dtype = DTypeFromName(name)) return *dtype;
  return value.Error(absl::StrCat("unknown dtype ", Quoted(name), "; known are ", KnownDTypes()));
}

absl::StatusOr<Shape> ReadShape(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlValue> items, value.Items());
  if (items.size() > kMaxRank) {
    return value.Error(
        absl::StrCat("a tensor has at most ", kMaxRank, " dimensions, got ", items.size()));
  }
  Shape shape;
  for (const YamlValue& item : items) {
    TORCHERE_ASSIGN_OR_RETURN(const int64_t dim, item.Int());
    if (dim < -1) {
      return item.Error(absl::StrCat("expected a length, or -1 where any will do, got ", dim));
    }
    shape.push_back(dim);
  }
  return shape;
}

absl::StatusOr<IntRange> ReadRange(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlValue> items, value.Items());
  if (items.size() != 2) {
    return value.Error(absl::StrCat("expected [least, most], got ", items.size(), " items"));
  }
  IntRange range;
  TORCHERE_ASSIGN_OR_RETURN(range.least, items[0].Int());
  TORCHERE_ASSIGN_OR_RETURN(range.most, items[1].Int());
  if (range.least <= range.most) return range;
  return value.Error(absl::StrCat("the least, ", range.least, ", is above the most, ", range.most));
}

absl::StatusOr<std::vector<std::string>> ReadLabels(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlValue> items, value.Items());
  if (items.empty()) return value.Error("has no label in it");
  std::vector<std::string> labels;
  for (const YamlValue& item : items) {
    TORCHERE_ASSIGN_OR_RETURN(std::string label, item.Text(kMaxLabelBytes));
    labels.push_back(std::move(label));
  }
  return labels;
}

// One label a line.
absl::StatusOr<std::vector<std::string>> ReadLabelsFile(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::string path, PathInFolder(value));
  const absl::StatusOr<std::string> text = ReadTextFile(path, kMaxLabelsFileBytes);
  if (!text.ok()) return value.Error(absl::StrCat(path, ": ", text.status().message()));

  absl::string_view rest = absl::StripPrefix(*text, "\xEF\xBB\xBF");
  absl::ConsumeSuffix(&rest, "\n");
  std::vector<std::string> labels;
  for (absl::string_view line : absl::StrSplit(rest, '\n')) {
    absl::ConsumeSuffix(&line, "\r");
    if (line.empty() || !IsOneLine(line)) {
      return value.Error(absl::StrCat(path, ":", labels.size() + 1, ": ",
                                      line.empty() ? "an empty label" : "has a control character"));
    }
    labels.emplace_back(line);
  }
  return labels;
}

absl::Status ReadKey(const YamlEntry& entry, DeclaredValue& declared) {
  const YamlValue& value = entry.value;
  if (entry.key == "name") {
    TORCHERE_ASSIGN_OR_RETURN(declared.name, value.Text(kMaxNameBytes));
  } else if (entry.key == "rename") {
    TORCHERE_ASSIGN_OR_RETURN(declared.rename, value.Text(kMaxNameBytes));
  } else if (entry.key == "dtype") {
    TORCHERE_ASSIGN_OR_RETURN(declared.dtype, ReadDType(value));
  } else if (entry.key == "shape") {
    TORCHERE_ASSIGN_OR_RETURN(declared.shape, ReadShape(value));
  } else if (entry.key == "range") {
    TORCHERE_ASSIGN_OR_RETURN(declared.range, ReadRange(value));
  } else if (!declared.labels.empty()) {
    return value.Error("give either labels or a labels_file");
  } else if (entry.key == "labels") {
    TORCHERE_ASSIGN_OR_RETURN(declared.labels, ReadLabels(value));
  } else if (entry.key == "labels_file") {
    TORCHERE_ASSIGN_OR_RETURN(declared.labels, ReadLabelsFile(value));
  }
  return absl::OkStatus();
}

// Checks that there is one label for each class that the last dimension counts.
absl::Status CheckLabels(const YamlValue& value, const DeclaredValue& declared) {
  if (declared.labels.empty() || !declared.shape) return absl::OkStatus();
  if (declared.shape->empty()) {
    return value.Error("a tensor without dimensions has no classes to label");
  }
  const int64_t classes = declared.shape->back();
  const int64_t labels = static_cast<int64_t>(declared.labels.size());
  if (classes == -1 || classes == labels) return absl::OkStatus();
  return value.Error(absl::StrCat(labels, " labels for the last dimension of ",
                                  ShapeText(*declared.shape), ", which counts ", classes));
}

absl::StatusOr<DeclaredValue> ReadValue(const YamlValue& value, const Keys& keys) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> entries, value.Entries());
  TORCHERE_RETURN_IF_ERROR(CheckKeys(entries, keys));
  DeclaredValue declared;
  declared.line = value.line();
  for (const YamlEntry& entry : entries) TORCHERE_RETURN_IF_ERROR(ReadKey(entry, declared));
  if (declared.name.empty()) return value.Error("has no name");
  TORCHERE_RETURN_IF_ERROR(CheckLabels(value, declared));
  return declared;
}

absl::StatusOr<Values> ReadValues(const YamlValue& value, const Keys& keys) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlValue> items, value.Items());
  std::map<std::string, int> lines;
  Values values;
  for (const YamlValue& item : items) {
    TORCHERE_ASSIGN_OR_RETURN(DeclaredValue declared, ReadValue(item, keys));
    const auto [first, is_new] = lines.emplace(declared.name, declared.line);
    if (!is_new) {
      return item.Error(absl::StrCat("the name ", Quoted(declared.name), " stands already in line ",
                                     first->second));
    }
    values.push_back(std::move(declared));
  }
  return values;
}

// Reads `inputs`, `outputs` and `pad`; the entries' other keys are not its concern.
absl::StatusOr<DeclaredMethod> ReadMethod(const std::vector<YamlEntry>& entries) {
  DeclaredMethod method;
  for (const auto& [key, value] : entries) {
    if (key == "inputs") {
      TORCHERE_ASSIGN_OR_RETURN(method.inputs, ReadValues(value, InputKeys()));
    } else if (key == "outputs") {
      TORCHERE_ASSIGN_OR_RETURN(method.outputs, ReadValues(value, OutputKeys()));
    } else if (key == "pad") {
      TORCHERE_ASSIGN_OR_RETURN(method.padding, ReadPadding(value));
    }
  }
  return method;
}

absl::Status ReadMethods(const YamlValue& value, ModelConfig& config) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> methods, value.Entries());
  for (const auto& [name, method] : methods) {
    if (name == "forward") {
      return method.Error("inputs and outputs of forward stand at the top of the file");
    }
    TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> entries, method.Entries());
    TORCHERE_RETURN_IF_ERROR(CheckKeys(entries, MethodKeys()));
    TORCHERE_ASSIGN_OR_RETURN(config.methods[name], ReadMethod(entries));
  }
  return absl::OkStatus();
}

// Leaves one bucket, the largest that there may be.
absl::Status MakeInvariant(const YamlValue& root, BatchingConfig& batching) {
  if (batching.buckets.size() > 1) {
    return root.Error(absl::StrCat("with batch_invariant there is one bucket, got ",
                                   batching.buckets.size(), "; give batching.max_rows alone"));
  }
  batching.buckets = {batching.max_rows};
  batching.invariant = true;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Device>> ReadDevices(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlValue> items, value.Items());
  if (items.empty()) return value.Error("has no device in it");
  std::vector<Device> devices;
  for (const YamlValue& item : items) {
    TORCHERE_ASSIGN_OR_RETURN(const std::string name, item.Text(kMaxNameBytes));
    const std::optional<Device> device = DeviceFromName(name);
    if (!device) return item.Error(absl::StrCat("expected ", kDeviceNames, ", got ", Quoted(name)));
    if (std::find(devices.begin(), devices.end(), *device) != devices.end()) {
      return item.Error(absl::StrCat(name, " stands here twice"));
    }
    devices.push_back(*device);
  }
  return devices;
}

absl::Status CheckStateful(const std::vector<YamlEntry>& entries, const ModelConfig& config) {
  for (const auto& [key, value] : entries) {
    if (key == "devices" && config.stateful && config.devices.size() > 1) {
      return value.Error("a stateful model keeps its state on one device; name one");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelConfig> ReadModelConfig(const std::string& path) {
  TORCHERE_ASSIGN_OR_RETURN(const YamlValue root, YamlValue::ReadFile(path));
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> entries, root.Entries());
  TORCHERE_RETURN_IF_ERROR(CheckSchema(root, entries));
  TORCHERE_RETURN_IF_ERROR(CheckKeys(entries, FileKeys()));

  ModelConfig config;
  config.path = path;
  TORCHERE_ASSIGN_OR_RETURN(DeclaredMethod forward, ReadMethod(entries));
  if (!forward.inputs.empty() || !forward.outputs.empty() || !forward.padding.empty()) {
    config.methods["forward"] = std::move(forward);
  }
  bool is_invariant = false;
  for (const auto& [key, value] : entries) {
    if (key == "methods") {
      TORCHERE_RETURN_IF_ERROR(ReadMethods(value, config));
    } else if (key == "batching") {
      TORCHERE_ASSIGN_OR_RETURN(config.batching, ReadBatching(value));
    } else if (key == "batch_invariant") {
      TORCHERE_ASSIGN_OR_RETURN(is_invariant, value.Bool());
    } else if (key == "queue") {
      TORCHERE_ASSIGN_OR_RETURN(config.queue, ReadQueue(value));
    } else if (key == "limits") {
      TORCHERE_ASSIGN_OR_RETURN(config.limits, ReadLimits(value));
    } else if (key == "warmup") {
      TORCHERE_ASSIGN_OR_RETURN(config.warmup, ReadWarmup(value));
    } else if (key == "stateful") {
      TORCHERE_ASSIGN_OR_RETURN(config.stateful, value.Bool());
    } else if (key == "devices") {
      TORCHERE_ASSIGN_OR_RETURN(config.devices, ReadDevices(value));
    }
  }
  if (is_invariant) TORCHERE_RETURN_IF_ERROR(MakeInvariant(root, config.batching));
  TORCHERE_RETURN_IF_ERROR(CheckStateful(entries, config));
  return config;
}

}  // namespace torchere
