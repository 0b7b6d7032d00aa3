// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/grpc/message_sizes.h"

#include <algorithm>

namespace torchere {

int64_t MessageSizes::Expected(const std::string& peer) const {
  const auto known = largest_.find(peer);
  return known == largest_.end() ? kLeast : known->second;
}

void MessageSizes::Note(const std::string& peer, int64_t bytes) {
  const auto known = largest_.find(peer);
  if (known != largest_.end()) {
    known->second = std::max(bytes, known->second - known->second / 8);
    if (known->second <= kLeast) largest_.erase(known);
    return;
  }
  // Small senders need no entry: kLeast is what they get without one.
  if (bytes <= kLeast) return;
  if (largest_.size() >= kMaxPeers) largest_.erase(largest_.begin());
  largest_.emplace(peer, bytes);
}

}  // namespace torchere
