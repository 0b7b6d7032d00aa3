// SPDX-License-Identifier: Apache-2.0
#include "bench/grpc/load.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <sys/prctl.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "bench/grpc/stream_load.h"
#include "bench/http/http_load.h"
#include "server/base/status_macros.h"

namespace torchere::bench {
namespace {

using Clock = std::chrono::steady_clock;

// One unary call. Its address is its tag.
struct Call {
  std::optional<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
  grpc::ByteBuffer reply;
  grpc::Status status;
  Time began;

  // `since`: from when on its time counts.
  void Start(const Target& target, grpc::GenericStub& stub, grpc::CompletionQueue& queue,
             Time since) {
    began = since;
    reply.Clear();
    context.emplace();
    SetDeadline(target, *context);
    reader = stub.PrepareUnaryCall(&*context, target.method, target.request, &queue);
    reader->StartCall();
    reader->Finish(&reply, &status, this);
  }
};

std::optional<double> TimeToRecover(const Target& target, grpc::GenericStub& stub) {
  constexpr std::chrono::milliseconds kGood{100}, kPause{10};
  constexpr int kInARow = 10;
  const Time begin = Clock::now();
  Time first_good;
  grpc::CompletionQueue queue;
  for (int good = 0; Clock::now() - begin < std::chrono::minutes(1);) {
    Call call;
    call.Start(target, stub, queue, Clock::now());
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    if (!call.status.ok() || Clock::now() - call.began > kGood) {
      good = 0;
    } else {
      if (good == 0) first_good = call.began;
      if (++good == kInARow) return Seconds(first_good - begin).count();
    }
    std::this_thread::sleep_for(kPause);
  }
  return std::nullopt;
}

std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

class Load {
 public:
  Load(const Target& target, const LoadOptions& options, const std::vector<int>& pids)
      : target_(target), options_(options), pids_(pids) {}

  absl::StatusOr<LoadResult> Run() {
    const bool http = !target_.http_request.empty();
    for (int i = 0; !http && i < options_.connections; ++i) {
      TORCHERE_ASSIGN_OR_RETURN(stubs_.emplace_back(), Connect(target_.address));
    }
    if (options_.recovery) {
      TORCHERE_ASSIGN_OR_RETURN(probe_, Connect(target_.address));
    }
    window_.begin = Clock::now() + std::chrono::duration_cast<Clock::duration>(options_.warm_up);
    window_.end = window_.begin + std::chrono::duration_cast<Clock::duration>(options_.time);
    {
      const std::jthread observer([this] { ReadCpu(); });
      if (http) {
        TORCHERE_RETURN_IF_ERROR(RunHttp(target_.address, target_.http_request,
                                         options_.concurrency, window_, result_.tally));
      } else if (options_.stream) {
        RunStreams(target_, stubs_, options_.concurrency, window_, result_.tally);
      } else if (options_.rate > 0) {
        RunOpen();
      } else {
        RunClosed();
      }
    }
    return std::move(result_);
  }

 private:
  grpc::GenericStub& Stub(int64_t n) { return *stubs_[static_cast<size_t>(n) % stubs_.size()]; }

  void ReadCpu() {
    std::this_thread::sleep_until(window_.begin);
    const CpuTimes before = ReadCpuTimes(pids_);
    std::this_thread::sleep_until(window_.end);
    result_.cpu = ReadCpuTimes(pids_) - before;
  }

  void Count(Call& call, Time now) {
    if (call.status.ok()) {
      result_.tally.CountAnswer(call.began, now,
                                result_.tally.WantsReply() ? Text(call.reply) : "");
    } else {
      result_.tally.CountError(call.status);
    }
  }

  Call* Next() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) ? static_cast<Call*>(tag) : nullptr;
  }

  void RunClosed() {
    std::vector<std::unique_ptr<Call>> calls;
    for (int i = 0; i < options_.concurrency; ++i) {
      calls.push_back(std::make_unique<Call>());
      calls.back()->Start(target_, Stub(i), queue_, Clock::now());
    }
    int64_t started = options_.concurrency;
    for (size_t live = calls.size(); live > 0;) {
      Call& call = *Next();
      const Time now = Clock::now();
      if (window_.Holds(now)) Count(call, now);
      if (now < window_.end) {
        call.Start(target_, Stub(started++), queue_, now);
      } else {
        --live;
      }
    }
  }

  // On a thread of its own, so that a reply never delays a request.
  void SendAtRandomMoments() {
    // Else each sleep may end 50 µs late.
    prctl(PR_SET_TIMERSLACK, 1);
    std::mt19937_64 random(options_.seed);
    std::exponential_distribution<double> gap(options_.rate);
    Time due = Clock::now();
    for (int64_t n = 0;; ++n) {
      due += std::chrono::duration_cast<Clock::duration>(Seconds(gap(random)));
      if (due >= window_.end) break;
      std::this_thread::sleep_until(due);
      if (window_.Holds(due)) {
        ++result_.sent;
        result_.late_us.push_back(
            std::chrono::duration<float, std::micro>(Clock::now() - due).count());
      }
      in_flight_.fetch_add(1);
      (new Call)->Start(target_, Stub(n), queue_, due);
    }
    if (options_.recovery) result_.recovery_s = TimeToRecover(target_, *probe_);
    // The last to leave closes the queue; this is one of them.
    Leave();
  }

  void Leave() {
    if (in_flight_.fetch_sub(1) == 1) queue_.Shutdown();
  }

  void RunOpen() {
    in_flight_ = 1;
    const std::jthread sender([this] { SendAtRandomMoments(); });
    while (Call* next = Next()) {
      const std::unique_ptr<Call> call(next);
      if (window_.Holds(call->began)) Count(*call, Clock::now());
      Leave();
    }
  }

  const Target& target_;
  const LoadOptions& options_;
  const std::vector<int>& pids_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  std::unique_ptr<grpc::GenericStub> probe_;
  grpc::CompletionQueue queue_;
  Window window_;
  std::atomic<int64_t> in_flight_{0};
  LoadResult result_;
};

}  // namespace

absl::StatusOr<LoadResult> RunLoad(const Target& target, const LoadOptions& options,
                                   const std::vector<int>& server_pids) {
  return Load(target, options, server_pids).Run();
}

}  // namespace torchere::bench
