// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/health.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "server/frontend/grpc/message.h"
#include "server/request/error.h"

namespace torchere {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

namespace {

// A part's name, and what a later version may add.
constexpr int64_t kMostBytes = 4 << 10;

Bytes Serialised(int status) {
  HealthCheckResponse response;
  response.set_status(static_cast<HealthCheckResponse::ServingStatus>(status));
  return Bytes(response.SerializeAsString());
}

}  // namespace

// One Watch call. At most one message is under way; of what changes meanwhile
// only the last is sent.
class Health::Watcher final : public CallObserver {
 public:
  Watcher(Health& health, std::string part, Incoming incoming)
      : health_(health),
        part_(std::move(part)),
        ticket_(std::move(incoming.ticket)),
        call_(std::move(incoming.call)) {}

  // Once, after the health knows it.
  void Begin() {
    call_.Observe(*this);
    Look();
  }

  // Sends the state if it is another than the caller knows; ends the call if it
  // is to end and the caller knows all.
  void Look() {
    const int status = health_.StatusOf(part_);
    MutexLock lock(mutex_);
    if (writing_) return;
    if (status != sent_) {
      writing_ = true;
      sent_ = status;
      call_.Write(Serialised(status));
    } else if (ending_) {
      call_.Finish(Refuse(absl::StatusCode::kUnavailable, "the server is shutting down",
                          {.reason = "DRAINING"}));
    }
  }

  void End() {
    {
      MutexLock lock(mutex_);
      ending_ = true;
    }
    Look();
  }

  // A watcher reads nothing, and Health tells it of the end.
  void MessageCame(Bytes) override {}
  void NoMoreMessages() override {}
  void Drain() override {}

  void Written() override {
    {
      MutexLock lock(mutex_);
      writing_ = false;
    }
    Look();
  }

  void Ended() override { health_.Remove(*this); }

 private:
  Health& health_;
  const std::string part_;
  const Ticket ticket_;
  Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<int> sent_ ABSL_GUARDED_BY(mutex_);
  CallRef call_;
};

class Health::CheckMethod : public Method {
 public:
  CheckMethod(Gate& gate, Health& health) : Method(gate, kMostBytes), health_(health) {}

  void Start(Incoming incoming) override {
    const auto request = Parse<HealthCheckRequest>(incoming.message);
    if (!request.ok()) return incoming.call.Finish(request.status());
    const int status = health_.StatusOf(request->service());
    if (status == HealthCheckResponse::SERVICE_UNKNOWN) {
      return incoming.call.Finish(
          Refuse(absl::StatusCode::kNotFound,
                 absl::StrCat("health knows no '", request->service(),
                              "'; it knows '', 'models/NAME', 'torchere.v1.PredictService' and "
                              "'torchere.v1.ModelStatusService'"),
                 {.reason = "SERVICE_UNKNOWN"}));
    }
    incoming.call.Finish(Serialised(status));
  }

 private:
  Health& health_;
};

class Health::WatchMethod : public Method {
 public:
  WatchMethod(Gate& gate, Health& health) : Method(gate, kMostBytes), health_(health) {}

  void Start(Incoming incoming) override {
    const auto request = Parse<HealthCheckRequest>(incoming.message);
    if (!request.ok()) return incoming.call.Finish(request.status());
    health_.Add(std::make_shared<Watcher>(health_, request->service(), std::move(incoming)));
  }

 private:
  Health& health_;
};

void Health::AddMethods(Gate& check_gate, Gate& watch_gate, MethodTable& methods) {
  methods["/grpc.health.v1.Health/Check"] = std::make_unique<CheckMethod>(check_gate, *this);
  methods["/grpc.health.v1.Health/Watch"] = std::make_unique<WatchMethod>(watch_gate, *this);
}

int Health::StatusOf(const std::string& part) const {
  const std::optional<bool> serving = look_(part);
  if (!serving) return HealthCheckResponse::SERVICE_UNKNOWN;
  MutexLock lock(mutex_);
  return *serving && !draining_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

void Health::Add(const std::shared_ptr<Watcher>& watcher) {
  bool draining = false;
  {
    MutexLock lock(mutex_);
    watchers_.push_back(watcher);
    draining = draining_;
  }
  watcher->Begin();
  if (draining) watcher->End();
}

void Health::Remove(const Watcher& watcher) {
  std::shared_ptr<Watcher> removed;  // ends after the lock
  MutexLock lock(mutex_);
  for (auto it = watchers_.begin(); it != watchers_.end(); ++it) {
    if (it->get() != &watcher) continue;
    removed = std::move(*it);
    watchers_.erase(it);
    return;
  }
}

std::vector<std::shared_ptr<Health::Watcher>> Health::watchers() const {
  MutexLock lock(mutex_);
  return watchers_;
}

void Health::Changed() {
  for (const auto& watcher : watchers()) watcher->Look();
}

void Health::Drain() {
  {
    MutexLock lock(mutex_);
    draining_ = true;
  }
  for (const auto& watcher : watchers()) watcher->End();
}

}  // namespace torchere
