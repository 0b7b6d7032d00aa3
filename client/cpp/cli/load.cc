// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/load.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <vector>

#include "client/cpp/wire/channel.h"
#include "client/cpp/wire/duration.h"
#include "client/cpp/wire/request.h"
#include "client/cpp/wire/status.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "torchere/v1/predict.grpc.pb.h"

namespace torchere::cli {
namespace {

using std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr char kPredict[] = "/torchere.v1.PredictService/Predict";

// Servers bound the calls of a connection, Torchere's to 256: more than so many go
// to another connection.
constexpr int kCallsPerConnection = 100;

// How late an interrupt may be seen.
constexpr auto kGlance = std::chrono::milliseconds(50);

constexpr auto kConnectTimeout = std::chrono::seconds(2);

// The request goes as bytes, made once; the answer is parsed.
using Stub = grpc::TemplatedGenericStub<grpc::ByteBuffer, v1::PredictResponse>;

struct Connection {
  explicit Connection(std::shared_ptr<grpc::Channel> to) : channel(std::move(to)), stub(channel) {}

  std::shared_ptr<grpc::Channel> channel;
  Stub stub;
  std::atomic<int> outstanding = 0;
};

struct Call {
  Connection& connection;
  // When it was to be sent.
  Time due;
  grpc::ClientContext context = {};
  v1::PredictResponse response = {};
  grpc::Status status = {};
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::PredictResponse>> reader = {};
};

// One run. The thread of Run() takes the answers; requests are sent by it in the
// closed loop, by a thread of their own in the open one, which keeps their times to
// some microseconds.
class Load {
 public:
  Load(const std::string& target, const PredictCall& call, const LoadPlan& plan,
       const LoadWatch& watch)
      : target_(target), plan_(plan), watch_(watch), request_(SerializePredict(call).value()) {
    report_.request_bytes = static_cast<int64_t>(request_.Length());
  }

  LoadReport Run();

 private:
  void Connect();
  Connection& LeastUsed();
  void Send(Time due);
  bool IsDue(Time now) const;
  void FillUp();
  void SendAtRandomTimes(double rate, const std::stop_token& stop);
  void TakeAnswers();
  void Finish(Call& call);
  void Count(const Call& call, Time now);
  void CutOff();
  void ShowProgress(Time now);

  const std::string& target_;
  const LoadPlan& plan_;
  const LoadWatch& watch_;
  const grpc::ByteBuffer request_;
  grpc::CompletionQueue queue_;
  // Of the thread that sends.
  std::vector<std::unique_ptr<Connection>> connections_;
  int64_t due_ = 0;

  Time start_, last_answer_;
  std::atomic<int64_t> outstanding_ = 0;
  std::atomic<int64_t> not_sent_ = 0;
  std::atomic<bool> all_sent_ = false;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<Call*, std::unique_ptr<Call>> calls_;
  bool no_more_ = false;

  // Of the thread of Run().
  LoadReport report_;
  LoadProgress progress_;
  Time progress_start_;
  bool was_cut_off_ = false;

  // Last, so that it is joined first.
  std::jthread sender_;
};

LoadReport Load::Run() {
  Connect();
  start_ = last_answer_ = progress_start_ = Clock::now();
  if (plan_.rate) {
    sender_ = std::jthread(
        [this, rate = *plan_.rate](const std::stop_token& stop) { SendAtRandomTimes(rate, stop); });
  }
  TakeAnswers();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
  report_.not_sent = not_sent_;
  report_.elapsed = last_answer_ - start_;
  if (const int64_t count = report_.ok(); count > 0) {
    report_.mean.queue /= count;
    report_.mean.compute /= count;
    report_.mean.total /= count;
    report_.mean_batch_rows /= static_cast<double>(count);
  }
  return std::move(report_);
}

// Before the clock starts, so that the first requests do not wait for connections.
// One that fails is left to the requests to find out.
void Load::Connect() {
  const int calls = plan_.rate ? 1 : plan_.concurrency;
  const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
  for (int i = 0; i < calls; i += kCallsPerConnection) {
    connections_.push_back(
        std::make_unique<Connection>(OpenChannel(target_, {.own_connection = true})));
    Connection& connection = *connections_.back();
    connection.channel->GetState(/*try_to_connect=*/true);
    if (!connection.channel->WaitForConnected(deadline)) return;
  }
}

Connection& Load::LeastUsed() {
  const auto least = std::min_element(
      connections_.begin(), connections_.end(),
      [](const auto& a, const auto& b) { return a->outstanding < b->outstanding; });
  if ((*least)->outstanding < kCallsPerConnection) return **least;
  connections_.push_back(
      std::make_unique<Connection>(OpenChannel(target_, {.own_connection = true})));
  return *connections_.back();
}

void Load::Send(Time due) {
  ++due_;
  if (outstanding_ >= kMaxOutstanding || Clock::now() - due > plan_.max_late) {
    ++not_sent_;
    return;
  }
  auto owned = std::make_unique<Call>(LeastUsed(), due);
  Call& call = *owned;
  {
    const std::lock_guard lock(mutex_);
    if (no_more_) return;
    calls_.emplace(&call, std::move(owned));
  }
  ++outstanding_;
  ++call.connection.outstanding;
  call.context.set_deadline(std::chrono::system_clock::now() + plan_.timeout);
  call.reader = call.connection.stub.PrepareUnaryCall(&call.context, kPredict, request_, &queue_);
  call.reader->StartCall();
  // From here on the call may be gone.
  call.reader->Finish(&call.response, &call.status, &call);
}

bool Load::IsDue(Time now) const {
  if (plan_.requests) return due_ < *plan_.requests;
  return now - start_ < plan_.duration;
}

void Load::SendAtRandomTimes(double rate, const std::stop_token& stop) {
  std::mt19937_64 random(std::random_device{}());
  std::exponential_distribution<double> seconds(rate);
  // For the waits alone, which a stop ends.
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  Time due = start_;
  while (IsDue(due) && !stop.stop_requested()) {
    // What is late already would only be later by a call of the system.
    if (due > Clock::now()) never.wait_until(lock, stop, due, [] { return false; });
    if (stop.stop_requested()) break;
    Send(due);
    due +=
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds(random)));
  }
  all_sent_ = true;
}

// The closed loop.
void Load::FillUp() {
  while (!all_sent_ && outstanding_ < plan_.concurrency) {
    const Time now = Clock::now();
    if (!IsDue(now)) {
      all_sent_ = true;
    } else {
      Send(now);
    }
  }
}

void Load::TakeAnswers() {
  while (true) {
    if (!plan_.rate) FillUp();
    if (all_sent_ && outstanding_ == 0) return;
    void* tag = nullptr;
    bool ok = false;
    const auto until = std::chrono::system_clock::now() + kGlance;
    if (queue_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) {
      Finish(*static_cast<Call*>(tag));
    }
    if (watch_.interrupted()) CutOff();
    ShowProgress(Clock::now());
  }
}

void Load::Finish(Call& call) {
  last_answer_ = Clock::now();
  Count(call, last_answer_);
  --call.connection.outstanding;
  --outstanding_;
  const std::lock_guard lock(mutex_);
  calls_.erase(&call);
}

void Load::Count(const Call& call, Time now) {
  if (call.status.ok()) {
    const auto& timing = call.response.timing();
    report_.mean.queue += ToNanoseconds(timing.queue());
    report_.mean.compute += ToNanoseconds(timing.compute());
    report_.mean.total += ToNanoseconds(timing.total());
    report_.mean_batch_rows += static_cast<double>(timing.batch_rows());
    report_.latencies.Add(now - call.due);
    progress_.latencies.Add(now - call.due);
    return;
  }
  if (was_cut_off_ && call.status.error_code() == grpc::CANCELLED) {
    ++report_.cut_off;
    return;
  }
  const absl::Status status = FromGrpc(call.status);
  const ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  Failures& failures = report_.failures[{status.code(), details.reason}];
  if (failures.count++ == 0) failures.message = std::string(status.message());
}

void Load::CutOff() {
  if (std::exchange(was_cut_off_, true)) return;
  all_sent_ = all_sent_ || !plan_.rate;
  sender_.request_stop();
  const std::lock_guard lock(mutex_);
  no_more_ = true;
  for (const auto& [call, owned] : calls_) call->context.TryCancel();
}

void Load::ShowProgress(Time now) {
  const nanoseconds passed = now - progress_start_;
  if (passed < std::chrono::seconds(1)) return;
  progress_.since_start = now - start_;
  progress_.second = passed;
  progress_.failed = report_.failed();
  progress_.outstanding = outstanding_;
  watch_.progress(progress_);
  progress_.latencies.Clear();
  progress_start_ = now;
}

}  // namespace

int64_t LoadReport::failed() const {
  int64_t sum = 0;
  for (const auto& [error, failures_of_it] : failures) sum += failures_of_it.count;
  return sum;
}

LoadReport RunLoad(const std::string& target, const PredictCall& call, const LoadPlan& plan,
                   const LoadWatch& watch) {
  return Load(target, call, plan, watch).Run();
}

}  // namespace torchere::cli
