// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/wire/channel.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace torchere {
inline namespace client {
namespace {

// gRPC would ask http_proxy's proxy even for an address of this machine.
bool IsLocal(const std::string& target) {
  constexpr const char* kPrefixes[] = {"127.", "localhost:", "[::1]:", "unix:", "unix-abstract:"};
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](const char* prefix) { return absl::StartsWith(target, prefix); });
}

}  // namespace

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target,
                                           const ChannelOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(options.max_response_bytes);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetUserAgentPrefix("torchere-cpp/" TORCHERE_VERSION);
  // Room for details of many inputs; gRPC's own limit is 8 KiB.
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 64 * 1024);
  if (IsLocal(target)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (options.own_connection) arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace client
}  // namespace torchere
