// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/request/response.h"

namespace torchere {

// Where the answer goes: the wire's side of a request. Thread-safe.
class ReplyTo {
 public:
  // Takes the answer; called once, from any thread, and lets go of the Reply's
  // hold on this object.
  virtual void Answer(absl::StatusOr<Response> answer) = 0;

  // True once nobody waits for the answer: it has been cancelled, or its
  // deadline has been answered for.
  virtual bool abandoned() const = 0;

 protected:
  ~ReplyTo() = default;
};

// The one right to answer a request. Ended unused, it answers INTERNAL: no
// request is ever lost in silence.
class Reply {
 public:
  Reply() = default;
  explicit Reply(ReplyTo& to) : to_(&to) {}
  Reply(Reply&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
  Reply& operator=(Reply&& other) noexcept {
    if (this != &other) {
      Drop();
      to_ = std::exchange(other.to_, nullptr);
    }
    return *this;
  }
  ~Reply() { Drop(); }

  // Answers; may be called before the request has been handed on by its sender.
  void Send(absl::StatusOr<Response> answer) {
    std::exchange(to_, nullptr)->Answer(std::move(answer));
  }

  bool abandoned() const { return to_ != nullptr && to_->abandoned(); }

 private:
  void Drop() {
    if (to_ != nullptr) Send(absl::InternalError("the request was dropped; this is a bug"));
  }

  ReplyTo* to_ = nullptr;
};

}  // namespace torchere
