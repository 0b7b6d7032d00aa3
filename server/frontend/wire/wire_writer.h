// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "server/request/bytes.h"

namespace torchere {

// Writes protobuf's wire format into a rope: small things are copied into one
// text, a large payload becomes pieces of its own that share its bytes.
class WireWriter {
 public:
  WireWriter() { text_.reserve(kUsualBytes); }

  // Fields; a proto3 scalar that has its default is left out by the caller.
  void Varint(uint32_t field, uint64_t value);
  void Fixed64(uint32_t field, uint64_t value);
  void Text(uint32_t field, absl::string_view text);
  void Rope(uint32_t field, const Bytes& bytes);

  // A message whose content f(WireWriter&) writes.
  template <typename F>
  void Message(uint32_t field, F f) {
    const Opened opened = Open(field);
    f(*this);
    Close(opened);
  }

  // All that was written.
  Bytes Finish() &&;

 private:
  // A small answer fits without growing.
  static constexpr size_t kUsualBytes = 512;

  // A piece that stands before text_[at].
  struct Cut {
    size_t at;
    Bytes::Piece piece;
  };
  // A message that is being written: its length is not known before its end.
  struct Opened {
    size_t length_at;  // of text_: one byte is kept free there
    size_t cuts;       // before it
    size_t cut_bytes;
  };

  void Raw(uint64_t varint);
  Opened Open(uint32_t field);
  void Close(const Opened& opened);

  std::string text_;
  absl::InlinedVector<Cut, 1> cuts_;
  size_t cut_bytes_ = 0;
};

}  // namespace torchere
