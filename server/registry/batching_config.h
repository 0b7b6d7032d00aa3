// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "server/registry/model_config.h"
#include "server/registry/yaml_value.h"

namespace torchere {

// model.yaml's `batching`: {mode: auto | on | off, cut: best | all,
// max_rows, max_delay, buckets}.
absl::StatusOr<BatchingConfig> ReadBatching(const YamlValue& value);

// model.yaml's `warmup`: {samples: [FILE], time_limit}. The files, which lie in
// model.yaml's own folder, are not read.
absl::StatusOr<WarmupConfig> ReadWarmup(const YamlValue& value);

// model.yaml's `queue`: {max_rows, max_time}; times as "5ms" or "1s".
absl::StatusOr<QueueConfig> ReadQueue(const YamlValue& value);

// model.yaml's `limits`: {concurrency, memory}; the latter as "2GiB".
absl::StatusOr<LimitsConfig> ReadLimits(const YamlValue& value);

}  // namespace torchere
