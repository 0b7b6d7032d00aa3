// SPDX-License-Identifier: Apache-2.0
// A model server without a model: what gRPC itself costs. One completion queue with one thread
// takes every call by its headers, reads its message, copies the message once into one buffer, as
// a server must do to form a batch, and answers with a PredictResponse of ten scores.

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_builder.h>
#include <malloc.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "bench/grpc/stream_frame.h"
#include "torchere/v1/predict.pb.h"

namespace torchere::bench {
namespace {

constexpr size_t kMaxMessageBytes = size_t{64} << 20;
// Calls that may arrive while the poller is busy.
constexpr int kAwaitedCalls = 64;

grpc::ByteBuffer MakeReply() {
  v1::PredictResponse response;
  response.mutable_model()->set_name("identity");
  response.mutable_model()->set_version(1);
  response.mutable_model()->set_method("forward");
  response.mutable_model()->set_digest("sha256:" + std::string(64, '0'));
  v1::NamedValue& output = *response.add_outputs();
  output.set_name("output");
  v1::Tensor& tensor = *output.mutable_value()->mutable_tensor();
  tensor.set_dtype(v1::DATA_TYPE_FP32);
  tensor.add_shape(1);
  tensor.add_shape(10);
  tensor.set_data(std::string(10 * sizeof(float), '\1'));
  for (auto* time :
       {response.mutable_timing()->mutable_queue(), response.mutable_timing()->mutable_compute(),
        response.mutable_timing()->mutable_total()}) {
    time->set_nanos(123456);
  }
  const grpc::Slice slice(response.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

// What all calls share.
struct Server {
  grpc::AsyncGenericService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  grpc::ByteBuffer reply = MakeReply();
  // Where messages are gathered, one at a time: there is one poller.
  std::unique_ptr<char[]> batch{new char[kMaxMessageBytes]};
};

// A tag.
struct Event {
  virtual void Happened(bool ok) = 0;

 protected:
  ~Event() = default;
};

// One call, unary or, by its name, a stream; it ends itself. It is the tag of all it waits for but
// a stream's writes, which overlap with its reads.
class Call final : public Event {
 public:
  static void Await(Server& server) {
    auto* call = new Call(server);
    server.service.RequestCall(&call->context_, &call->stream_, server.queue.get(),
                               server.queue.get(), static_cast<Event*>(call));
  }

  void Happened(bool ok) override {
    switch (state_) {
      case State::kArriving:
        if (!ok) return delete this;
        Await(server_);
        state_ = absl::EndsWith(context_.method(), "Stream") ? State::kStreaming : State::kReading;
        return Read();
      case State::kReading:
        state_ = State::kEnding;
        if (!ok) return stream_.Finish(grpc::Status::CANCELLED, Tag());
        Gather();
        return stream_.WriteAndFinish(server_.reply, grpc::WriteOptions(), grpc::Status::OK, Tag());
      case State::kStreaming:
        return StreamRead(ok);
      case State::kEnding:
        return delete this;
    }
  }

 private:
  enum class State { kArriving, kReading, kStreaming, kEnding };

  struct Wrote final : Event {
    explicit Wrote(Call& owner) : call(owner) {}
    void Happened(bool) override {
      call.answers_.pop_front();
      call.writing_ = false;
      call.Write();
    }
    Call& call;
  };

  explicit Call(Server& server) : server_(server) {}

  void* Tag() { return static_cast<Event*>(this); }

  void Read() { stream_.Read(&request_, Tag()); }

  void StreamRead(bool ok) {
    if (ok) {
      Gather();
      answers_.push_back(Frame(Unframe(request_, false).id, server_.reply));
      Read();
    } else {
      all_read_ = true;
    }
    Write();
  }

  void Write() {
    if (writing_) return;
    if (answers_.empty()) {
      if (!all_read_) return;
      state_ = State::kEnding;
      return stream_.Finish(grpc::Status::OK, Tag());
    }
    writing_ = true;
    grpc::WriteOptions options;
    // Sent together with the next, which follows at once.
    if (answers_.size() > 1) options.set_buffer_hint();
    stream_.Write(answers_.front(), options, static_cast<Event*>(&wrote_));
  }

  void Gather() {
    std::vector<grpc::Slice> slices;
    if (!request_.Dump(&slices).ok()) return;
    char* to = server_.batch.get();
    for (const grpc::Slice& slice : slices) {
      std::memcpy(to, slice.begin(), slice.size());
      to += slice.size();
    }
  }

  Server& server_;
  State state_ = State::kArriving;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
  grpc::ByteBuffer request_;
  std::deque<grpc::ByteBuffer> answers_;
  bool writing_ = false;
  bool all_read_ = false;
  Wrote wrote_{*this};
};

void Poll(grpc::ServerCompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) static_cast<Event*>(tag)->Happened(ok);
}

// As torchere-server sets it: freed memory is kept.
void KeepMemory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
}

int Run(const std::string& listen) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Server server;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(listen, grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument("grpc.enable_deadline_checking", 0);
  builder.RegisterAsyncGenericService(&server.service);
  server.queue = builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> grpc_server = builder.BuildAndStart();
  if (grpc_server == nullptr || port == 0) {
    std::fprintf(stderr, "bare_server: cannot listen on %s\n", listen.c_str());
    return 1;
  }
  for (int i = 0; i < kAwaitedCalls; ++i) Call::Await(server);
  const std::jthread poller([&server] { Poll(*server.queue); });
  std::printf("bare_server ready grpc=127.0.0.1:%d\n", port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  // There is nothing to hand over, and no caller who waits.
  std::_Exit(0);
}

}  // namespace
}  // namespace torchere::bench

int main(int argc, char** argv) {
  CLI::App app(
      "What gRPC costs without a model: answers any call with ten scores; one whose "
      "name ends in Stream as a PredictStream.");
  std::string listen = "127.0.0.1:0";
  app.add_option("--listen", listen, "Where to listen; port 0 takes a free one");
  CLI11_PARSE(app, argc, argv);
  torchere::bench::KeepMemory();
  return torchere::bench::Run(listen);
}
