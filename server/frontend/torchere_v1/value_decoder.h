// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/frontend/wire/wire_reader.h"
#include "server/request/value.h"

namespace torchere {

struct WireLimits;

// Reads torchere.v1.Value and what is in it (proto/torchere/v1/value.proto)
// from a reader that stands before such a field, for one request: it counts the
// request's tensors and list items. The first error stays; every function does
// nothing more once there is one.
class ValueDecoder {
 public:
  // Both must outlive it.
  ValueDecoder(WireReader& reader, const WireLimits& limits) : reader_(reader), limits_(limits) {}

  // Reads a Value into `value`, `depth` levels deep (1 is the outermost) inside
  // the input called `input`. `is_set` says whether it has a kind already, and
  // then that it has.
  void Value(struct Value& value, bool& is_set, int depth, absl::string_view input);

  // Reads a name or label: UTF-8, at most WireLimits::name_bytes.
  void Name(std::string& text, absl::string_view what);

  void Fail(std::string reason, absl::string_view message);

  bool ok() const { return error_.ok() && !reader_.malformed(); }
  absl::Status status() const;

 private:
  void Kind(struct Value& value, int depth, absl::string_view input);
  void Text(std::string& text, size_t limit, absl::string_view what);
  void TensorFields(Tensor& tensor, absl::string_view input);
  void Dims(Shape& shape);
  // Gives the tensor its dtype and checks that it is whole.
  void FinishTensor(Tensor& tensor, uint64_t dtype, absl::string_view input);
  void ListFields(List& list, int depth, absl::string_view input);
  void MapFields(Map& map, int depth, absl::string_view input);
  void Entry(MapEntry& entry, int depth, absl::string_view input);
  bool CountItem(absl::string_view input);

  WireReader& reader_;
  const WireLimits& limits_;
  int tensors_ = 0;
  int items_ = 0;
  absl::Status error_;
};

}  // namespace torchere
