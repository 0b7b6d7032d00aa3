// SPDX-License-Identifier: Apache-2.0
#include "server/registry/batching_config.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "server/base/status_macros.h"
#include "server/registry/path_in_folder.h"

namespace torchere {
namespace {

using Mode = BatchingConfig::Mode;
using Cut = BatchingConfig::Cut;

constexpr int64_t kMaxBatchRows = 1024;
constexpr int64_t kMaxQueuedRows = int64_t{1} << 20;
constexpr int64_t kMaxConcurrency = 1024;
constexpr size_t kMaxWordBytes = 32;
constexpr Duration kLeastMaxTime = std::chrono::milliseconds(1);

absl::StatusOr<int64_t> ReadCount(const YamlValue& value, int64_t most) {
  TORCHERE_ASSIGN_OR_RETURN(const int64_t count, value.Int());
  if (count >= 1 && count <= most) return count;
  return value.Error(absl::StrCat("expected 1 to ", most, ", got ", count));
}

absl::StatusOr<Duration> ReadTime(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::string text, value.Text(kMaxWordBytes));
  absl::Duration time;
  if (absl::ParseDuration(text, &time) && time >= absl::ZeroDuration() && time <= absl::Hours(1)) {
    return absl::ToChronoNanoseconds(time);
  }
  return value.Error(
      absl::StrCat("expected a time from 0 to 1h, as 500us, 5ms or 1.5s, got ", Quoted(text)));
}

absl::StatusOr<int64_t> ReadBytes(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::string text, value.Text(kMaxWordBytes));
  absl::string_view number = text;
  const int shift = absl::ConsumeSuffix(&number, "KiB")   ? 10
                    : absl::ConsumeSuffix(&number, "MiB") ? 20
                    : absl::ConsumeSuffix(&number, "GiB") ? 30
                                                          : 0;
  int64_t count = 0;
  const int64_t most = std::numeric_limits<int64_t>::max() >> shift;
  if (absl::SimpleAtoi(number, &count) && count >= 1 && count <= most) return count << shift;
  return value.Error(absl::StrCat("expected bytes, as 500MiB or 2GiB, got ", Quoted(text)));
}

absl::StatusOr<Mode> ReadMode(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::string text, value.Text(kMaxWordBytes));
  if (text == "auto") return Mode::kAuto;
  if (text == "on") return Mode::kOn;
  if (text == "off") return Mode::kOff;
  return value.Error(absl::StrCat("expected auto, on or off, got ", Quoted(text)));
}

absl::StatusOr<Cut> ReadCut(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::string text, value.Text(kMaxWordBytes));
  if (text == "best") return Cut::kBest;
  if (text == "all") return Cut::kAll;
  return value.Error(absl::StrCat("expected best or all, got ", Quoted(text)));
}

absl::StatusOr<std::vector<int64_t>> ReadBuckets(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlValue> items, value.Items());
  std::vector<int64_t> buckets;
  for (const YamlValue& item : items) {
    TORCHERE_ASSIGN_OR_RETURN(const int64_t bucket, ReadCount(item, kMaxBatchRows));
    if (!buckets.empty() && bucket <= buckets.back()) {
      return item.Error(
          absl::StrCat("buckets must ascend; ", bucket, " comes after ", buckets.back()));
    }
    buckets.push_back(bucket);
  }
  return buckets;
}

absl::Status UnknownKey(const YamlEntry& entry, absl::string_view known) {
  return entry.value.Error(absl::StrCat("unknown key; known are ", known));
}

}  // namespace

absl::StatusOr<BatchingConfig> ReadBatching(const YamlValue& value) {
  BatchingConfig config;
  bool has_max_rows = false;
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> entries, value.Entries());
  for (const YamlEntry& entry : entries) {
    if (entry.key == "mode") {
      TORCHERE_ASSIGN_OR_RETURN(config.mode, ReadMode(entry.value));
    } else if (entry.key == "max_rows") {
      TORCHERE_ASSIGN_OR_RETURN(config.max_rows, ReadCount(entry.value, kMaxBatchRows));
      has_max_rows = true;
    } else if (entry.key == "cut") {
      TORCHERE_ASSIGN_OR_RETURN(config.cut, ReadCut(entry.value));
    } else if (entry.key == "max_delay") {
      TORCHERE_ASSIGN_OR_RETURN(config.max_delay, ReadTime(entry.value));
    } else if (entry.key == "buckets") {
      TORCHERE_ASSIGN_OR_RETURN(config.buckets, ReadBuckets(entry.value));
    } else {
      return UnknownKey(entry, "mode, cut, max_rows, max_delay, buckets");
    }
  }
  if (config.buckets.empty()) return config;
  if (has_max_rows && config.buckets.back() != config.max_rows) {
    return value.Error(absl::StrCat("the last bucket is ", config.buckets.back(),
                                    ", but max_rows is ", config.max_rows,
                                    "; give one of them, or the same number"));
  }
  config.max_rows = config.buckets.back();
  return config;
}

absl::StatusOr<QueueConfig> ReadQueue(const YamlValue& value) {
  QueueConfig config;
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> entries, value.Entries());
  for (const YamlEntry& entry : entries) {
    if (entry.key == "max_rows") {
      TORCHERE_ASSIGN_OR_RETURN(config.max_rows, ReadCount(entry.value, kMaxQueuedRows));
    } else if (entry.key == "max_time") {
      TORCHERE_ASSIGN_OR_RETURN(config.max_time, ReadTime(entry.value));
      if (*config.max_time < kLeastMaxTime) return entry.value.Error("expected 1ms or more");
    } else {
      return UnknownKey(entry, "max_rows, max_time");
    }
  }
  return config;
}

absl::StatusOr<LimitsConfig> ReadLimits(const YamlValue& value) {
  LimitsConfig config;
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> entries, value.Entries());
  for (const YamlEntry& entry : entries) {
    if (entry.key == "concurrency") {
      TORCHERE_ASSIGN_OR_RETURN(const int64_t count, ReadCount(entry.value, kMaxConcurrency));
      config.concurrency = static_cast<int>(count);
    } else if (entry.key == "memory") {
      TORCHERE_ASSIGN_OR_RETURN(config.memory, ReadBytes(entry.value));
    } else {
      return UnknownKey(entry, "concurrency, memory");
    }
  }
  return config;
}

absl::StatusOr<WarmupConfig> ReadWarmup(const YamlValue& value) {
  WarmupConfig config;
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> entries, value.Entries());
  for (const YamlEntry& entry : entries) {
    if (entry.key == "samples") {
      TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlValue> files, entry.value.Items());
      for (const YamlValue& file : files) {
        TORCHERE_ASSIGN_OR_RETURN(config.samples.emplace_back(), PathInFolder(file));
      }
    } else if (entry.key == "time_limit") {
      TORCHERE_ASSIGN_OR_RETURN(config.time_limit, ReadTime(entry.value));
    } else {
      return UnknownKey(entry, "samples, time_limit");
    }
  }
  return config;
}

}  // namespace torchere
