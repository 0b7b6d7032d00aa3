// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/library_versions.h"

#include <google/protobuf/stubs/common.h>
#include <grpcpp/grpcpp.h>

namespace torchere {

std::string GrpcVersion() { return grpc::Version(); }

std::string ProtobufVersion() {
  return google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION);
}

}  // namespace torchere
