// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "absl/strings/string_view.h"

namespace torchere {

// How large a caller's messages have been lately, to know before a message is
// read how much room it will want. Remembers a bounded number of callers.
class MessageSizes {
 public:
  // What is kept free for a caller of whom nothing is known.
  static constexpr int64_t kLeast = 64 << 10;

  // Whether it knows no caller by name: then all are expected to send kLeast.
  bool empty() const { return largest_.empty(); }

  // The largest recent message of the caller, kLeast at least.
  int64_t Expected(const std::string& peer) const;

  // Takes note of a message; what was larger before fades away.
  void Note(const std::string& peer, int64_t bytes);

 private:
  static constexpr size_t kMaxPeers = 4096;

  std::unordered_map<std::string, int64_t> largest_;
};

}  // namespace torchere
