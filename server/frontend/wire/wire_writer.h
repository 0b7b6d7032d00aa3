// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "server/request/bytes.h"

namespace torchere {

// Writes protobuf's wire format into a rope: small things are copied together,
// a large payload becomes pieces of its own that share its bytes.
class WireWriter {
 public:
  // Fields; a proto3 scalar that has its default is left out by the caller.
  void Varint(uint32_t field, uint64_t value);
  void Fixed64(uint32_t field, uint64_t value);
  void Text(uint32_t field, absl::string_view text);
  void Rope(uint32_t field, const Bytes& bytes);

  // A message whose content f(WireWriter&) writes.
  template <typename F>
  void Message(uint32_t field, F f) {
    WireWriter inner;
    f(inner);
    Rope(field, std::move(inner).Finish());
  }

  // All that was written.
  Bytes Finish() &&;

 private:
  void Raw(uint64_t varint);

  std::string text_;
  Bytes done_;
};

}  // namespace torchere
