// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/frontend/grpc/listen_address.h"
#include "server/frontend/grpc/method.h"

namespace torchere {

// How many connections there are at a time, and what becomes of one more.
struct ConnectionLimit {
  int most = 1024;
  // Whether the oldest one is ended for it; else it is refused.
  bool ends_oldest = false;
};

// An address that is served, and what is answered there.
struct Endpoint {
  Listener listener;
  MethodTable methods;
  ConnectionLimit connections;
};

}  // namespace torchere
