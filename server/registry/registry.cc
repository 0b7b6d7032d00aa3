// SPDX-License-Identifier: Apache-2.0
#include "server/registry/registry.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "server/base/clock.h"
#include "server/base/status_macros.h"
#include "server/registry/model_config.h"
#include "server/registry/sha256.h"
#include "server/request/error.h"

namespace torchere {
namespace {

absl::Status NotFound(absl::string_view message, std::string reason, const ModelSpec& spec) {
  return Refuse(absl::StatusCode::kNotFound, message,
                {.reason = std::move(reason), .metadata = {{"model", spec.name}}});
}

absl::Status NoModel(const ModelSpec& spec, const std::string& names) {
  const std::string known = names.empty() ? "none" : names;
  if (spec.name.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument,
                  absl::StrCat("the request names no model; there are: ", known),
                  {.reason = "MISSING_MODEL"});
  }
  return NotFound(absl::StrCat("no model '", spec.name, "'; there are: ", known), "MODEL_NOT_FOUND",
                  spec);
}

absl::Status NoLabel(const ModelSpec& spec) {
  const std::string& label = std::get<std::string>(spec.choice);
  return NotFound(absl::StrCat("model '", spec.name, "' has no label '", label, "'"),
                  "LABEL_NOT_FOUND", spec);
}

absl::Status NotServed(const ModelVersion& version) {
  const std::string why =
      version.status.error.ok() ? "" : absl::StrCat(": ", version.status.error.message());
  const std::string number = absl::StrCat(version.status.version);
  return Refuse(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("model '", version.model, "' version ", number, " is not served; its state is ",
                   Name(version.status.state), why),
      {.reason = "VERSION_NOT_SERVED",
       .metadata = {
           {"model", version.model}, {"version", number}, {"state", Name(version.status.state)}}});
}

// What `Load` learns of a version besides whether it works.
absl::StatusOr<std::unique_ptr<ServedVersion>> LoadFile(const ModelSource& source, Loader& loader,
                                                        VersionStatus& status) {
  ModelConfig config;
  if (!source.config_path.empty()) {
    TORCHERE_ASSIGN_OR_RETURN(config, ReadModelConfig(source.config_path));
  }
  const std::string& path = source.versions.front().path;
  std::error_code error;
  if (const auto size = std::filesystem::file_size(path, error); !error) {
    status.file_bytes = static_cast<int64_t>(size);
  }
  TORCHERE_ASSIGN_OR_RETURN(std::unique_ptr<ServedVersion> served, loader.Load(path, config));
  TORCHERE_ASSIGN_OR_RETURN(status.digest, FileDigest(path));
  status.device = served->device();
  status.backend = served->backend();
  return served;
}

}  // namespace

std::shared_ptr<const Registry::Table> Registry::table() const {
  MutexLock lock(mutex_);
  return table_;
}

void Registry::Put(std::shared_ptr<const ModelVersion> version) {
  MutexLock lock(mutex_);
  auto changed = std::make_shared<Table>(*table_);
  (*changed)[version->model][version->status.version] = std::move(version);
  table_ = std::move(changed);
}

absl::Status Registry::Load(const ModelSource& source) {
  const Time started = Now();
  auto version = std::make_shared<ModelVersion>();
  version->model = source.name;
  VersionStatus& status = version->status;
  status.version = source.versions.front().version;
  absl::StatusOr<std::unique_ptr<ServedVersion>> served = LoadFile(source, loader_, status);
  status.state_since = absl::Now();
  if (!served.ok()) {
    status.state = ModelState::kEnd;
    status.error = served.status();
    observer_.ModelFailed(source.name, status.version, served.status());
  } else {
    status.state = ModelState::kAvailable;
    status.load_time = absl::FromChrono(Now() - started);
    version->served = *std::move(served);
    for (const std::string& finding : version->served->findings()) {
      observer_.ModelFinding(source.name, status.version, finding);
    }
    observer_.ModelAvailable(source.name, status.version, status.device, Now() - started);
  }
  absl::Status error = status.error;
  Put(std::move(version));
  return error;
}

absl::StatusOr<ModelHandle> Registry::Acquire(const ModelSpec& spec) const {
  const std::shared_ptr<const Table> table = this->table();
  const auto model = table->find(spec.name);
  if (model == table->end()) {
    return NoModel(spec, absl::StrJoin(*table, ", ", [](std::string* out, const auto& entry) {
                     absl::StrAppend(out, "'", entry.first, "'");
                   }));
  }
  const Versions& versions = model->second;
  if (std::holds_alternative<std::string>(spec.choice)) return NoLabel(spec);
  if (const auto* number = std::get_if<int64_t>(&spec.choice)) {
    const auto version = versions.find(*number);
    if (version == versions.end()) {
      return NotFound(
          absl::StrCat("model '", spec.name, "' has no version ", *number, "; there are: ",
                       absl::StrJoin(versions, ", ",
                                     [](std::string* out, const auto& entry) {
                                       absl::StrAppend(out, entry.first);
                                     })),
          "VERSION_NOT_FOUND", spec);
    }
    if (version->second->served == nullptr) return NotServed(*version->second);
    return ModelHandle(version->second);
  }
  for (const auto& [number, version] : versions) {
    if (version->served != nullptr) return ModelHandle(version);
  }
  return NotServed(*versions.begin()->second);
}

absl::StatusOr<ModelStatus> Registry::StatusOf(const ModelSpec& spec) const {
  for (ModelStatus& model : List()) {
    if (model.name != spec.name) continue;
    if (std::holds_alternative<std::string>(spec.choice)) return NoLabel(spec);
    if (const auto* number = std::get_if<int64_t>(&spec.choice)) {
      std::erase_if(model.versions,
                    [number](const VersionStatus& v) { return v.version != *number; });
      if (model.versions.empty()) {
        return NotFound(absl::StrCat("model '", spec.name, "' has no version ", *number),
                        "VERSION_NOT_FOUND", spec);
      }
    }
    return std::move(model);
  }
  // Acquire's refusal names what there is.
  return Acquire({.name = spec.name}).status();
}

std::vector<ModelStatus> Registry::List() const {
  const std::shared_ptr<const Table> table = this->table();
  std::vector<ModelStatus> models;
  for (const auto& [name, versions] : *table) {
    ModelStatus& model = models.emplace_back(ModelStatus{.name = name});
    for (const auto& [number, version] : versions) {
      VersionStatus& status = model.versions.emplace_back(version->status);
      if (version->served != nullptr) status.error = version->served->health();
    }
  }
  return models;
}

bool Registry::IsAvailable(const std::string& model) const {
  const absl::StatusOr<ModelHandle> handle = Acquire({.name = model});
  return handle.ok() && handle->served().health().ok();
}

}  // namespace torchere
