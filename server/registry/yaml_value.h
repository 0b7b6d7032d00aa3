// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torchere {

struct YamlEntry;

// A value of a YAML file that knows where it stands: its errors begin with
// "model.yaml:7: outputs[0].dtype: ". Each error is INVALID_ARGUMENT.
class YamlValue {
 public:
  // Reads a file of one document, at most 1 MiB, 100,000 values and 16 levels.
  // Anchors, aliases and tags are refused: a few lines of them can stand for
  // gigabytes, and nothing here needs them.
  static absl::StatusOr<YamlValue> ReadFile(const std::string& path);

  // Its line, from 1.
  int line() const { return line_; }
  const std::string& file() const { return *file_; }

  absl::Status Error(absl::string_view problem) const;

  // What a map holds, in order; a key that stands twice is refused.
  absl::StatusOr<std::vector<YamlEntry>> Entries() const;
  // What a list holds.
  absl::StatusOr<std::vector<YamlValue>> Items() const;
  // One line of 1 to `max_bytes` bytes; a number or a bool as it is written.
  absl::StatusOr<std::string> Text(size_t max_bytes) const;
  // A whole number, not one in quotes.
  absl::StatusOr<int64_t> Int() const;
  // A number, also .inf and -.inf, not one in quotes.
  absl::StatusOr<double> Number() const;
  // true or false, not in quotes.
  absl::StatusOr<bool> Bool() const;

 private:
  YamlValue(std::shared_ptr<const std::string> file, const YAML::Node& node, std::string path,
            int line)
      : file_(std::move(file)), node_(node), path_(std::move(path)), line_(line) {}

  absl::Status Expected(absl::string_view what) const;

  std::shared_ptr<const std::string> file_;
  YAML::Node node_;
  std::string path_;
  int line_;
};

struct YamlEntry {
  std::string key;
  // Its line is the key's.
  YamlValue value;
};

// `text` as a message can show it: on one line, and cut where it is long.
std::string Shown(absl::string_view text);
// The same in quotes.
std::string Quoted(absl::string_view text);

}  // namespace torchere
