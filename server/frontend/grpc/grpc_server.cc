// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/grpc_server.h"

#include <grpcpp/alarm.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/frontend/grpc/call.h"

namespace torchere {
namespace {

// Calls that may arrive while the poller is busy; more brings nothing.
constexpr int kAwaitedCalls = 64;
// Events that are looked at before what waits for an idle moment.
constexpr int kEventsFirst = 256;

using ExternalConnectionType = grpc::ServerBuilder::experimental_type::ExternalConnectionType;

void SetTransport(grpc::ServerBuilder& builder, const GrpcOptions& options) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder.SetMaxSendMessageSize(-1);
  // gRPC inflates before it looks at the limit: a small message could fill memory.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetResourceQuota(
      grpc::ResourceQuota("torchere").Resize(static_cast<size_t>(options.memory_bytes)));
  // Deadlines are ours: gRPC answers them in a way that costs some clients the
  // whole connection.
  builder.AddChannelArgument("grpc.enable_deadline_checking", 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 5 * 60 * 1000);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10 * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60 * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * 1000);
  // Clients may keep their connection alive, also between calls.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10 * 1000);
}

gpr_timespec ToTimespec(Time time) {
  if (time == kNever) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const auto nanos =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  gpr_timespec spec;
  spec.tv_sec = nanos / 1'000'000'000;
  spec.tv_nsec = static_cast<int32_t>(nanos % 1'000'000'000);
  spec.clock_type = GPR_CLOCK_MONOTONIC;
  return spec;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(std::vector<Endpoint> endpoints,
                                                              const GrpcOptions& options,
                                                              QueueHooks hooks) {
  std::unique_ptr<GrpcServer> self(new GrpcServer(std::move(hooks)));
  for (Endpoint& endpoint : endpoints) self->host_.methods.push_back(std::move(endpoint.methods));
  self->host_.answer_time = options.answer_time;
  grpc::ServerBuilder builder;
  SetTransport(builder, options);
  builder.RegisterAsyncGenericService(&self->host_.service);
  std::vector<std::unique_ptr<AcceptGate::Acceptor>> acceptors;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    acceptors.push_back(builder.experimental().AddExternalConnectionAcceptor(
        ExternalConnectionType::FROM_FD, grpc::InsecureServerCredentials()));
  }
  self->queue_ = builder.AddCompletionQueue();
  self->host_.queue = self->queue_.get();
  self->server_ = builder.BuildAndStart();
  if (self->server_ == nullptr) return absl::InternalError("gRPC does not start");
  for (int i = 0; i < kAwaitedCalls; ++i) Call::Await(self->host_);
  self->poller_ = std::jthread([&server = *self] { server.Poll(); });
  for (size_t i = 0; i < endpoints.size(); ++i) {
    self->gates_.push_back(
        std::make_unique<AcceptGate>(std::move(endpoints[i].listener), std::move(acceptors[i]),
                                     endpoints[i].connections, self->host_.callers, i));
  }
  return self;
}

GrpcServer::~GrpcServer() { Drain(Duration::zero()); }

void GrpcServer::Poll() {
  const std::unique_ptr<IdleWork> idle_work = hooks_.make_idle_work();
  int events = 0;
  while (true) {
    const bool work_waits = idle_work != nullptr && idle_work->waits();
    void* tag = nullptr;
    bool ok = false;
    const Time dead = host_.has_dead ? give_up_time_.next() : kNever;
    const auto next =
        queue_->AsyncNext(&tag, &ok,
                          work_waits ? gpr_time_0(GPR_CLOCK_MONOTONIC)
                                     : ToTimespec(std::min(host_.timers.First(), dead)));
    if (next == grpc::CompletionQueue::SHUTDOWN) return;
    if (next == grpc::CompletionQueue::GOT_EVENT) static_cast<CompletionTag*>(tag)->Happened(ok);
    if (work_waits && (next == grpc::CompletionQueue::TIMEOUT || ++events >= kEventsFirst)) {
      idle_work->Do();
      events = 0;
    }
    FireTimers();
    if (host_.has_dead) GiveUpDead();
  }
}

// It looks through all queues: at once after one call's end, and not again after
// each where thousands end.
void GrpcServer::GiveUpDead() {
  const Time started = Now();
  if (started < give_up_time_.next()) return;
  host_.has_dead = false;
  hooks_.give_up_dead();
  give_up_time_.Spent(started, Now());
}

void GrpcServer::FireTimers() {
  if (host_.timers.First() == kNever) return;
  const Time now = Now();
  while (Timed* timed = host_.timers.TakeDue(now)) timed->TimeOut();
}

void GrpcServer::Post(std::function<void()> f) {
  struct Posted final : CompletionTag {
    explicit Posted(std::function<void()> call) : f(std::move(call)) {}
    void Happened(bool) override {
      f();
      delete this;
    }
    const std::function<void()> f;
    grpc::Alarm alarm;
  };
  auto* const posted = new Posted(std::move(f));
  posted->alarm.Set(queue_.get(), gpr_now(GPR_CLOCK_MONOTONIC),
                    static_cast<CompletionTag*>(posted));
}

void GrpcServer::DrainStreams() {
  for (CallObserver* observer : host_.observers) observer->Drain();
}

// On the queue's thread, so that no call can be awaited at the same time.
void GrpcServer::CloseQueue() {
  Post([this] {
    host_.closed = true;
    queue_->Shutdown();
  });
  poller_.join();
}

void GrpcServer::Drain(Duration time) {
  if (std::exchange(drained_, true) || server_ == nullptr) return;
  const Time until = Now() + time;
  host_.draining = true;
  for (const auto& gate : gates_) gate->Stop();
  Post([this] { DrainStreams(); });
  // Tells the callers to go elsewhere, and waits until all connections have
  // ended; an idle caller may take seconds to notice.
  std::jthread shutdown([this, time] {
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::duration_cast<std::chrono::system_clock::duration>(time));
  });
  // Once every call has been answered nobody is waited for.
  host_.calls.AwaitNone();
  for (const auto& gate : gates_) gate->CloseConnections(until);
  shutdown.join();
  CloseQueue();
}

}  // namespace torchere
