// SPDX-License-Identifier: Apache-2.0
// What a call may hold, and for how long, over a real connection.
#include "server/frontend/grpc/call.h"

#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "tests/support/catch.h"
#include "tests/unit/frontend/local_server.h"

namespace torchere {
namespace {

constexpr size_t kLarge = 64 << 20;  // no window or socket takes it unread

// Answers every call at once with `size` bytes, from another thread if told to.
class Answers : public Method {
 public:
  Answers(Gate& gate, size_t size, bool from_another_thread, std::latch* first_came = nullptr)
      : Method(gate),
        size_(size),
        from_another_thread_(from_another_thread),
        first_came_(first_came) {}

  void Start(Incoming incoming) override {
    if (first_came_ != nullptr) std::exchange(first_came_, nullptr)->count_down();
    if (!from_another_thread_) return Answer(std::move(incoming));
    std::jthread([this, &incoming] { Answer(std::move(incoming)); });
  }

 private:
  void Answer(Incoming incoming) const {
    incoming.call.Finish(Bytes(std::string(size_, 'x')), {}, std::move(incoming.ticket));
  }

  const size_t size_;
  const bool from_another_thread_;
  std::latch* first_came_;
};

// A caller without a deadline that sends its message and then takes nothing.
class NeverReads {
 public:
  explicit NeverReads(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {
    call_ = stub_.PrepareCall(&context_, "/test/Call", &queue_);
    call_->StartCall(nullptr);
    Await();
    const grpc::Slice message("anything");
    call_->WriteLast(grpc::ByteBuffer(&message, 1), grpc::WriteOptions(), nullptr);
    Await();
  }
  ~NeverReads() { context_.TryCancel(); }

  // Reads now what there is.
  grpc::StatusCode Status() {
    grpc::ByteBuffer answer;
    grpc::Status status;
    call_->Read(&answer, nullptr);
    Await();
    call_->Finish(&status, nullptr);
    Await();
    return status.error_code();
  }

 private:
  void Await() {
    void* tag = nullptr;
    bool ok = false;
    REQUIRE(queue_.Next(&tag, &ok));
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

// Waits until nothing is in flight; false if that does not come.
bool BecomesEmpty(const Gate& gate) {
  const Time until = Now() + std::chrono::seconds(20);
  while (gate.requests_in_flight() != 0) {
    if (Now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_CASE("An answer that its caller does not take ends the call, and gives its place back") {
  Gate gate({});
  MethodTable methods;
  std::latch came(1);
  methods["/test/Call"] = std::make_unique<Answers>(gate, kLarge, GENERATE(false, true), &came);
  LocalServer server(std::move(methods), {.answer_time = std::chrono::milliseconds(50)});
  NeverReads caller(server.Channel());
  came.wait();
  CHECK(BecomesEmpty(gate));
  CHECK(caller.Status() == grpc::StatusCode::CANCELLED);
}

TEST_CASE("An answer that its caller takes in time is whole") {
  Gate gate({});
  MethodTable methods;
  methods["/test/Call"] = std::make_unique<Answers>(gate, kLarge, GENERATE(false, true));
  LocalServer server(std::move(methods));
  NeverReads caller(server.Channel());
  CHECK(caller.Status() == grpc::StatusCode::OK);
  CHECK(BecomesEmpty(gate));
}

}  // namespace
}  // namespace torchere
