// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace torchere {

// What kind of model a file holds, by its content.
enum class ArchiveKind {
  kTorchScript,  // torch.jit.save
  kAotInductor,  // aoti_compile_and_package
};

// Limits on what an archive may unpack to.
struct ArchiveLimits {
  // torch stores tensors uncompressed; only code and debug records are deflated.
  int64_t max_deflated_bytes = int64_t{256} << 20;
};

// Looks at a model's file before any library is let at it: nothing in it is
// run or unpacked.
//
//   NOT_FOUND         no such file
//   INVALID_ARGUMENT  empty, truncated or no archive; a Git LFS pointer; a
//                     state_dict or another torch.save; a plain torch.export
//                     package; names that leave the archive ("..", absolute);
//                     deflated records outside code/, or too large. The message
//                     names the file, says what it is and what to do.
absl::StatusOr<ArchiveKind> InspectArchive(const std::string& path,
                                           const ArchiveLimits& limits = {});

}  // namespace torchere
