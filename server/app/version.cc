// SPDX-License-Identifier: Apache-2.0
#include "server/app/version.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/backend/torch/runtime.h"
#include "server/frontend/grpc/library_versions.h"

namespace torchere {

std::string VersionText() {
  const std::string devices = absl::StrJoin(
      FindDevices(), ", ",
      [](std::string* out, const Device& device) { absl::StrAppend(out, Name(device)); });
  return absl::StrCat("torchere-server ", TORCHERE_VERSION, "\ngRPC ", GrpcVersion(), "\nprotobuf ",
                      ProtobufVersion(), "\nLibTorch ", LibTorchVersion(), "\ndevices ", devices);
}

}  // namespace torchere
