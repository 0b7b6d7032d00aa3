// SPDX-License-Identifier: Apache-2.0
#include "torchere/model.h"

namespace torchere {
inline namespace client {

std::string ModelStateName(ModelState state) {
  switch (state) {
    case ModelState::kUnspecified:
      return "UNSPECIFIED";
    case ModelState::kStart:
      return "START";
    case ModelState::kLoading:
      return "LOADING";
    case ModelState::kAvailable:
      return "AVAILABLE";
    case ModelState::kUnloading:
      return "UNLOADING";
    case ModelState::kEnd:
      return "END";
  }
  return "UNKNOWN";
}

}  // namespace client
}  // namespace torchere
