// SPDX-License-Identifier: Apache-2.0
#include "server/app/app.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "server/backend/torchscript/torchscript_backend.h"
#include "server/base/status_macros.h"
#include "server/executor/cpu_count.h"
#include "server/executor/guest.h"
#include "server/frontend/torchere_v1/model_status_service.h"
#include "server/frontend/torchere_v1/predict_service.h"
#include "server/registry/repository.h"
#include "server/request/error.h"

namespace torchere {
namespace {

constexpr GateLimits kStatusLimits{.max_requests_in_flight = 4096,
                                   .max_bytes_in_flight = int64_t{256} << 20};

// Of the health listener: a probe gets in whoever else keeps a connection, for one
// more ends the oldest, and there is a place for each of their calls.
constexpr ConnectionLimit kProbes{.most = 16, .ends_oldest = true};
constexpr GateLimits kProbeLimits{.max_requests_in_flight = int64_t{16} * 256,
                                  .max_bytes_in_flight = int64_t{256} << 20};

// gRPC's own bound, above ours: it resets calls, so it must never be what is
// reached first.
int64_t QuotaBytes(const Config& config) {
  return 2 * std::max(config.max_bytes_in_flight, config.max_message_bytes) + (int64_t{128} << 20);
}

// The completion queue's thread runs short batches itself.
class ShortRuns : public IdleWork {
 public:
  explicit ShortRuns(DevicePool& pool) : guest_(pool) {}
  bool waits() const override { return guest_.has_work(); }
  void Do() override { guest_.RunBatch(); }

 private:
  Guest guest_;
};

// Of the CPU, where models run on it.
std::unique_ptr<IdleWork> MakeShortRuns(DevicePools& pools) {
  DevicePool* const cpu = pools.Find(Device{});
  if (cpu == nullptr) return nullptr;
  return std::make_unique<ShortRuns>(*cpu);
}

absl::StatusOr<std::vector<ModelSource>> FindModels(const Config& config) {
  std::vector<ModelSource> models;
  if (!config.models_dir.empty()) {
    TORCHERE_ASSIGN_OR_RETURN(Repository repository, ScanRepository(config.models_dir));
    for (const std::string& warning : repository.warnings) spdlog::warn("{}", warning);
    models = std::move(repository.models);
  }
  for (const ModelFlag& flag : config.models) {
    const bool taken = std::any_of(models.begin(), models.end(), [&flag](const ModelSource& model) {
      return model.name == flag.name;
    });
    if (taken) {
      return absl::InvalidArgumentError(absl::StrCat("--model=", flag.name, "=", flag.path, ": ",
                                                     config.models_dir,
                                                     " has a model of that name too"));
    }
    models.push_back({.name = flag.name, .config_path = "", .versions = {{1, flag.path}}});
  }
  return models;
}

// What a flag gives, HOST:PORT, opened.
absl::StatusOr<Listener> OpenFlag(const std::string& flag, const std::string& text,
                                  bool allow_remote) {
  const absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
  absl::StatusOr<Listener> listener =
      address.ok() ? OpenListener(*address, allow_remote) : address.status();
  if (listener.ok()) return listener;
  return absl::Status(listener.status().code(),
                      absl::StrCat(flag, ": ", listener.status().message()));
}

}  // namespace

App::App(const Config& config, Observer& observer)
    : config_(config),
      backend_(MakeTorchScriptBackend()),
      predict_gate_({.max_requests_in_flight = config.max_requests_in_flight,
                     .max_bytes_in_flight = config.max_bytes_in_flight}),
      stream_gate_({.max_requests_in_flight = config.max_requests_in_flight,
                    .max_bytes_in_flight = config.max_bytes_in_flight / 2}),
      status_gate_(kStatusLimits),
      watch_gate_(kStatusLimits),
      probe_gate_(kProbeLimits),
      health_([this](const std::string& part) { return IsServing(part); }),
      pools_(*backend_, observer,
             {.devices = config.devices,
              .cores = UsableCores(),
              .on_lost = [this] { LoseDevice(); },
              .hang_after = config.hang_after,
              .on_hang = [this] { health_.Changed(); }}),
      loader_(*backend_, pools_),
      registry_(loader_, observer),
      pipeline_(registry_) {}

absl::StatusOr<std::unique_ptr<App>> App::Start(const Config& config, Observer& observer) {
  TORCHERE_ASSIGN_OR_RETURN(Listener listener,
                            OpenFlag("--listen", config.listen, config.insecure));
  std::optional<Listener> health_listener;
  if (!config.health_listen.empty()) {
    // It tells whether parts serve and no more.
    TORCHERE_ASSIGN_OR_RETURN(health_listener, OpenFlag("--health-listen", config.health_listen,
                                                        /*allow_remote=*/true));
  }
  std::unique_ptr<App> app(new App(config, observer));
  app->address_ = Text(listener.address);
  if (health_listener) app->health_address_ = Text(health_listener->address);
  TORCHERE_RETURN_IF_ERROR(app->LoadModels());
  TORCHERE_RETURN_IF_ERROR(app->Serve(std::move(listener), std::move(health_listener)));
  return app;
}

// A model of the repository that cannot be loaded is at END and the others are
// served; one that was asked for by --model ends the start, and so does a device
// that is not there.
absl::Status App::LoadModels() {
  if (const absl::Status devices = pools_.Start(); !devices.ok()) {
    return absl::Status(devices.code(), absl::StrCat("--devices: ", devices.message()));
  }
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<ModelSource> models, FindModels(config_));
  const size_t from_repository = models.size() - config_.models.size();
  for (size_t i = 0; i < models.size(); ++i) {
    absl::Status status = registry_.Load(models[i]);
    if (status.ok()) continue;
    if (i < from_repository) {
      if (DetailsOf(status).reason == "DEVICE_NOT_FOUND") return status;
      continue;
    }
    return absl::Status(status.code(),
                        absl::StrCat("--model=", models[i].name, "=",
                                     models[i].versions.front().path, ": ", status.message()));
  }
  spdlog::info("threads: {}", pools_.Threads());
  return absl::OkStatus();
}

void App::LoseDevice() {
  if (device_lost_.exchange(true)) return;
  health_.Changed();
  // Ends as it does when it is told to; a second time would end it at once.
  if (!draining_) kill(getpid(), SIGTERM);
}

absl::Status App::Serve(Listener listener, std::optional<Listener> health_listener) {
  std::vector<Endpoint> endpoints;
  Endpoint& all = endpoints.emplace_back();
  all.listener = std::move(listener);
  all.connections.most = config_.max_connections;
  AddPredictService(pipeline_, predict_gate_, stream_gate_, all.methods);
  AddModelStatusService(registry_, status_gate_, all.methods);
  health_.AddMethods(status_gate_, watch_gate_, all.methods);
  if (health_listener) {
    Endpoint& health = endpoints.emplace_back();
    health.listener = *std::move(health_listener);
    health.connections = kProbes;
    health_.AddMethods(probe_gate_, probe_gate_, health.methods);
  }
  TORCHERE_ASSIGN_OR_RETURN(
      server_, GrpcServer::Start(std::move(endpoints),
                                 {.max_message_bytes = config_.max_message_bytes,
                                  .memory_bytes = QuotaBytes(config_)},
                                 {.give_up_dead = [this] { pools_.GiveUpDead(); },
                                  .make_idle_work = [this] { return MakeShortRuns(pools_); }}));
  return absl::OkStatus();
}

std::optional<bool> App::IsServing(const std::string& part) const {
  if (device_lost_) return false;
  // It answers whatever becomes of the models: what a liveness probe asks for.
  if (part == "torchere.v1.ModelStatusService") return true;
  const std::vector<ModelStatus> models = registry_.List();
  if (part.empty() || part == "torchere.v1.PredictService") {
    return std::all_of(models.begin(), models.end(), [this](const ModelStatus& model) {
      return registry_.IsAvailable(model.name);
    });
  }
  absl::string_view name = part;
  if (!absl::ConsumePrefix(&name, "models/")) return std::nullopt;
  const bool known = std::any_of(models.begin(), models.end(),
                                 [name](const ModelStatus& model) { return model.name == name; });
  if (!known) return std::nullopt;
  return registry_.IsAvailable(std::string(name));
}

int App::models() const {
  int available = 0;
  for (const ModelStatus& model : registry_.List()) available += registry_.IsAvailable(model.name);
  return available;
}

bool App::hangs() const {
  for (const ModelStatus& model : registry_.List()) {
    for (const VersionStatus& version : model.versions) {
      if (version.state == ModelState::kAvailable && !version.error.ok()) return true;
    }
  }
  return false;
}

std::string App::Running() const { return absl::StrJoin(pools_.RunsUnderWay(), "; "); }

void App::Drain() {
  draining_ = true;
  health_.Drain();
  server_->Drain(config_.drain_timeout);
}

}  // namespace torchere
