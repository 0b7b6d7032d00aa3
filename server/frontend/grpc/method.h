// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "server/admission/gate.h"
#include "server/frontend/grpc/call_ref.h"
#include "server/request/bytes.h"
#include "server/request/request.h"
#include "server/request/ticket.h"

namespace torchere {

// A call that has been let in.
struct Incoming {
  // Nothing yet, where the method reads its messages itself.
  Bytes message;
  Context context;
  Ticket ticket;
  CallRef call;
};

// What answers the calls of one RPC method. One protocol's folder has one of
// these for each of its methods. Thread-safe.
class Method {
 public:
  // `gate` is the door that its calls have to pass; it must outlive it. A message of
  // more than `most_bytes` is refused: who asks for little may keep no room that
  // others need.
  explicit Method(Gate& gate, int64_t most_bytes = std::numeric_limits<int64_t>::max())
      : gate_(gate), most_bytes_(most_bytes) {}
  virtual ~Method() = default;

  // Sees to it that incoming.call is ended, now or later. On the completion
  // queue's thread: must not block.
  virtual void Start(Incoming incoming) = 0;

  // Whether it is started before any message has come, and reads them itself by
  // CallRef::Read(). The ticket is then the call's own, for the message that it
  // reads.
  virtual bool reads_messages() const { return false; }

  Gate& gate() const { return gate_; }
  int64_t most_bytes() const { return most_bytes_; }

 private:
  Gate& gate_;
  const int64_t most_bytes_;
};

// By path: "/torchere.v1.PredictService/Predict".
using MethodTable = std::map<std::string, std::unique_ptr<Method>, std::less<>>;

}  // namespace torchere
