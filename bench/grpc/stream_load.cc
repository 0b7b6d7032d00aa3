// SPDX-License-Identifier: Apache-2.0
#include "bench/grpc/stream_load.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include <algorithm>
#include <deque>

#include "bench/grpc/stream_frame.h"
#include "torchere/v1/error.pb.h"

namespace torchere::bench {
namespace {

using Clock = std::chrono::steady_clock;

// A tag.
struct Event {
  virtual void Happened(bool ok) = 0;

 protected:
  ~Event() = default;
};

// One call with so many requests in flight. A request's id is its place in `began_`, from 1 on.
class Stream {
 public:
  Stream(const Target& target, grpc::GenericStub& stub, size_t in_flight, const Window& window,
         Tally& tally, grpc::CompletionQueue& queue)
      : target_(target), window_(window), tally_(tally), began_(in_flight) {
    for (uint64_t id = 1; id <= in_flight; ++id) free_.push_back(id);
    SetDeadline(target, context_);
    stream_ = stub.PrepareCall(&context_, target.method, &queue);
    stream_->StartCall(Tag(started_));
  }

  bool ended() const { return ended_; }

 private:
  template <void (Stream::*method)(bool)>
  struct On final : Event {
    explicit On(Stream& owner) : stream(owner) {}
    void Happened(bool ok) override { (stream.*method)(ok); }
    Stream& stream;
  };

  static void* Tag(Event& event) { return &event; }

  void Started(bool ok) {
    if (!ok) return stream_->Finish(&status_, Tag(finished_));
    stream_->Read(&reply_, Tag(read_));
    Write();
  }

  // One write at a time; the last message leaves with the end of the requests.
  void Write() {
    if (writing_ || closed_) return;
    if (Clock::now() >= window_.end) {
      if (free_.size() < began_.size()) return;
      closed_ = true;
      return stream_->WritesDone(Tag(closed_event_));
    }
    if (free_.empty()) return;
    writing_ = true;
    const uint64_t id = free_.front();
    free_.pop_front();
    began_[id - 1] = Clock::now();
    grpc::WriteOptions options;
    // Sent together with the next, which follows at once.
    if (!free_.empty()) options.set_buffer_hint();
    stream_->Write(Frame(id, target_.request), options, Tag(wrote_));
  }

  void Wrote(bool ok) {
    writing_ = false;
    if (ok) Write();
  }

  void Read(bool ok) {
    if (!ok) return stream_->Finish(&status_, Tag(finished_));
    const Time now = Clock::now();
    const Unframed answer = Unframe(reply_, tally_.WantsReply());
    if (answer.id == 0 || answer.id > began_.size()) {
      context_.TryCancel();
    } else {
      if (window_.Holds(now)) Count(answer, now);
      free_.push_back(answer.id);
    }
    stream_->Read(&reply_, Tag(read_));
    Write();
  }

  void Count(const Unframed& answer, Time now) {
    if (!answer.is_error) return tally_.CountAnswer(began_[answer.id - 1], now, answer.content);
    v1::Error error;
    error.ParseFromString(answer.content);
    tally_.CountError({static_cast<grpc::StatusCode>(error.code()), error.message()});
  }

  void Closed(bool) {}

  void Finished(bool) {
    if (!status_.ok()) tally_.CountError(status_);
    ended_ = true;
  }

  const Target& target_;
  const Window& window_;
  Tally& tally_;
  std::vector<Time> began_;
  std::deque<uint64_t> free_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  grpc::ByteBuffer reply_;
  grpc::Status status_;
  bool writing_ = false;
  bool closed_ = false;
  bool ended_ = false;
  On<&Stream::Started> started_{*this};
  On<&Stream::Wrote> wrote_{*this};
  On<&Stream::Read> read_{*this};
  On<&Stream::Closed> closed_event_{*this};
  On<&Stream::Finished> finished_{*this};
};

}  // namespace

void RunStreams(const Target& target, const std::vector<std::unique_ptr<grpc::GenericStub>>& stubs,
                int concurrency, const Window& window, Tally& tally) {
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Stream>> streams;
  const size_t in_flight = std::max<size_t>(1, static_cast<size_t>(concurrency) / stubs.size());
  for (const auto& stub : stubs) {
    streams.push_back(std::make_unique<Stream>(target, *stub, in_flight, window, tally, queue));
  }
  const auto ended = [](const auto& stream) { return stream->ended(); };
  void* tag = nullptr;
  bool ok = false;
  while (!std::all_of(streams.begin(), streams.end(), ended) && queue.Next(&tag, &ok)) {
    static_cast<Event*>(tag)->Happened(ok);
  }
}

}  // namespace torchere::bench
