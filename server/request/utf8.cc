// SPDX-License-Identifier: Apache-2.0
#include "server/request/utf8.h"

#include <cstddef>
#include <cstdint>

namespace torchere {
namespace {

// Length of the sequence that `lead` begins, and the least code point that
// needs so many bytes; length 0 for a byte that begins none.
struct Sequence {
  size_t length;
  uint32_t least;
  uint32_t bits;
};

Sequence SequenceOf(uint8_t lead) {
  if (lead < 0x80) return {1, 0, lead};
  if ((lead & 0xe0) == 0xc0) return {2, 0x80, lead & 0x1fu};
  if ((lead & 0xf0) == 0xe0) return {3, 0x800, lead & 0x0fu};
  if ((lead & 0xf8) == 0xf0) return {4, 0x10000, lead & 0x07u};
  return {0, 0, 0};
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const Sequence sequence = SequenceOf(static_cast<uint8_t>(text[i]));
    if (sequence.length == 0 || sequence.length > text.size() - i) return false;
    uint32_t code_point = sequence.bits;
    for (size_t k = 1; k < sequence.length; ++k) {
      const uint8_t byte = static_cast<uint8_t>(text[i + k]);
      if ((byte & 0xc0) != 0x80) return false;
      code_point = code_point << 6 | (byte & 0x3fu);
    }
    const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    if (code_point < sequence.least || code_point > 0x10ffff || surrogate) return false;
    i += sequence.length;
  }
  return true;
}

}  // namespace torchere
