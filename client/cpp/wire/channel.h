// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "grpcpp/channel.h"

namespace torchere {
inline namespace client {

struct ChannelOptions {
  int max_response_bytes = 1 << 30;
  // A connection that no other channel of this process shares.
  bool own_connection = false;
};

// A channel to the server at `target`, without TLS; it connects when it is used.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target,
                                           const ChannelOptions& options);

}  // namespace client
}  // namespace torchere
