// SPDX-License-Identifier: Apache-2.0
#include "server/batching/padding.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/status_macros.h"
#include "server/request/error.h"

namespace torchere {
namespace {

constexpr size_t kMaskAxis = 1;
// It costs less to copy what is shorter than to put it into a rope.
constexpr size_t kShortStretch = 4096;

Tensor* TensorAt(Arguments& arguments, size_t place) {
  return arguments[place] ? std::get_if<Tensor>(&arguments[place]->kind) : nullptr;
}

const Tensor* TensorAt(const Arguments& arguments, size_t place) {
  return arguments[place] ? std::get_if<Tensor>(&arguments[place]->kind) : nullptr;
}

// The place of the input that a mask is of; where that is left out, of the first that is
// given.
size_t PlaceOfMasked(const MethodSignature& method, const Padding::Mask& mask,
                     const Arguments& arguments) {
  if (TensorAt(arguments, mask.of) != nullptr) return mask.of;
  const std::vector<Padding::Input>& inputs = method.padding.inputs;
  return std::find_if(inputs.begin(), inputs.end(),
                      [&arguments](const Padding::Input& input) {
                        return TensorAt(arguments, input.place) != nullptr;
                      })
      ->place;
}

int64_t RowsOfMasked(const MethodSignature& method, const Padding::Mask& mask,
                     const Arguments& arguments) {
  return TensorAt(arguments, PlaceOfMasked(method, mask, arguments))->shape[0];
}

// How often a stretch of the length lies in a tensor that has items.
size_t CountStretches(const Tensor& tensor, size_t axis) {
  size_t count = 1;
  for (size_t i = 0; i < axis; ++i) count *= static_cast<size_t>(tensor.shape[i]);
  return count;
}

// So many bytes of copies of the item.
std::string Repeated(const std::string& item, size_t bytes) {
  if (item.find_first_not_of(item[0]) == std::string::npos) return std::string(bytes, item[0]);
  std::string text(bytes, '\0');
  size_t done = item.copy(text.data(), bytes);
  while (done < bytes) {
    const size_t more = std::min(done, bytes - done);
    std::memcpy(text.data() + done, text.data(), more);
    done += more;
  }
  return text;
}

// Each stretch is followed by the same fill: in one string where both are short, else in
// a rope.
void Fill(Tensor& tensor, size_t axis, const std::string& item, int64_t bucket) {
  const auto length = static_cast<size_t>(tensor.shape[axis]);
  if (tensor.shape[axis] == bucket) return;
  tensor.shape[axis] = bucket;
  if (tensor.data.empty()) return;
  const size_t stretches = CountStretches(tensor, axis);
  const size_t stretch = tensor.data.size() / stretches;
  const size_t filled = stretch / length * static_cast<size_t>(bucket);
  BytesReader reader(tensor.data);
  Bytes bytes;
  if (filled < kShortStretch) {
    std::string text = Repeated(item, stretches * filled);
    for (size_t i = 0; i < stretches; ++i) reader.Read(text.data() + i * filled, stretch);
    bytes = Bytes(std::move(text));
  } else {
    const Bytes fill(Repeated(item, filled - stretch));
    for (size_t i = 0; i < stretches; ++i) {
      bytes.Append(reader.Take(stretch));
      bytes.Append(fill);
    }
  }
  tensor.data = std::move(bytes);
}

Tensor MakeMask(const Padding::Mask& mask, DType dtype, int64_t rows, const PaddedLength& length) {
  const size_t item = mask.one.size();
  const auto own = static_cast<size_t>(length.own);
  const auto filled = static_cast<size_t>(length.bucket - length.own);
  const std::string row = Repeated(mask.one, own * item) + Repeated(mask.zero, filled * item);
  Tensor tensor{dtype, {rows, length.bucket}, {}};
  if (row.size() < kShortStretch) {
    tensor.data = Bytes(Repeated(row, static_cast<size_t>(rows) * row.size()));
    return tensor;
  }
  const Bytes bytes(row);
  for (int64_t i = 0; i < rows; ++i) tensor.data.Append(bytes);
  return tensor;
}

// What Pad adds to a request, in bytes: short stretches are all copied; else of a rope
// its pieces, and what its run will be larger.
int64_t AddedBytes(const MethodSignature& method, const PaddedLength& length,
                   const Arguments& arguments) {
  const auto filled = [&length](const Tensor& tensor, size_t axis) {
    if (length.own == length.bucket) return size_t{0};
    const size_t stretches = CountStretches(tensor, axis);
    const size_t size =
        tensor.data.size() / static_cast<size_t>(length.own) * static_cast<size_t>(length.bucket);
    if (size < stretches * kShortStretch) return size;
    return stretches * 2 * sizeof(Bytes::Piece) + size - tensor.data.size();
  };
  size_t bytes = 0;
  for (const Padding::Input& input : method.padding.inputs) {
    const Tensor* const tensor = TensorAt(arguments, input.place);
    if (tensor != nullptr) bytes += filled(*tensor, input.axis);
  }
  for (const Padding::Mask& mask : method.padding.masks) {
    if (const Tensor* const tensor = TensorAt(arguments, mask.place)) {
      bytes += filled(*tensor, kMaskAxis);
      continue;
    }
    const auto rows = static_cast<size_t>(RowsOfMasked(method, mask, arguments));
    const size_t row = static_cast<size_t>(length.bucket) * mask.one.size();
    const size_t piece = row < kShortStretch ? 0 : sizeof(Bytes::Piece);
    bytes += rows * (row + piece);
  }
  return static_cast<int64_t>(bytes);
}

absl::Status Mismatch(const ValueSpec& spec, const std::string& expected, const Tensor& tensor) {
  const std::string got = ShapeText(tensor.shape);
  return Refuse(absl::StatusCode::kInvalidArgument,
                absl::StrCat("input '", spec.name, "': expected ", expected, ", got ", got),
                {.reason = "SHAPE_MISMATCH",
                 .metadata = {{"input", spec.name}, {"expected", expected}, {"got", got}}});
}

bool HasEmptyRows(const Tensor& tensor) {
  return std::find(tensor.shape.begin() + 1, tensor.shape.end(), 0) != tensor.shape.end();
}

// "shape [any, 1 to 256]": the shape with these lengths at the axis. There may be no
// rows, but none without items.
std::string WithLength(const ValueSpec& spec, size_t axis, const std::string& length) {
  std::vector<std::string> dims;
  for (const int64_t dim : *spec.shape) {
    const bool is_length = dims.size() == axis;
    const std::string any = dims.empty() ? "any" : "1 or more";
    dims.push_back(is_length ? length : dim == -1 ? any : absl::StrCat(dim));
  }
  return absl::StrCat("shape [", absl::StrJoin(dims, ", "), "]");
}

// The first `length` of each stretch's `tensor.shape[axis]`. They are copied where they
// are short, or would keep more than twice as much in memory.
void CutTensor(Tensor& tensor, size_t axis, int64_t length) {
  const auto whole = static_cast<size_t>(tensor.shape[axis]);
  tensor.shape[axis] = length;
  if (tensor.data.empty()) return;
  const size_t stretches = CountStretches(tensor, axis);
  const size_t stretch = tensor.data.size() / stretches;
  const size_t kept = stretch / whole * static_cast<size_t>(length);
  const bool copies = kept < kShortStretch || 2 * kept < stretch;
  std::string text(copies ? stretches * kept : 0, '\0');
  BytesReader reader(tensor.data);
  Bytes cut;
  for (size_t i = 0; i < stretches; ++i) {
    if (copies) {
      reader.Read(text.data() + i * kept, kept);
    } else {
      cut.Append(reader.Take(kept));
    }
    reader.Skip(stretch - kept);
  }
  tensor.data = copies ? Bytes(std::move(text)) : std::move(cut);
}

// Cuts the answer back before it goes on. Deletes itself with it.
class CutReply final : public ReplyTo {
 public:
  CutReply(const MethodSignature& method, PaddedLength length, Reply reply)
      : method_(method), length_(length), reply_(std::move(reply)) {}

  void Answer(absl::StatusOr<Response> answer) override {
    const std::unique_ptr<CutReply> self(this);
    // An answer holds the method's version; an error may not.
    if (!answer.ok()) return reply_.Send(std::move(answer));
    const absl::Status cut = CutBack(method_, length_, answer->outputs);
    if (cut.ok()) return reply_.Send(std::move(answer));
    const std::string version = absl::StrCat(answer->model.version);
    reply_.Send(Annotate(cut,
                         absl::StrCat("model '", answer->model.name, "' version ", version, ": "),
                         {{"model", answer->model.name}, {"version", version}}));
  }

  bool abandoned() const override { return reply_.abandoned(); }

 private:
  const MethodSignature& method_;
  const PaddedLength length_;
  Reply reply_;
};

}  // namespace

absl::StatusOr<PaddedLength> LengthOf(const MethodSignature& method, const Arguments& arguments) {
  const std::vector<int64_t>& buckets = method.padding.buckets;
  PaddedLength length;
  const ValueSpec* first = nullptr;
  for (const Padding::Input& input : method.padding.inputs) {
    const Tensor* const tensor = TensorAt(arguments, input.place);
    if (tensor == nullptr) continue;
    const ValueSpec& spec = method.inputs[input.place];
    const int64_t own = tensor->shape[input.axis];
    if (own > buckets.back() || HasEmptyRows(*tensor)) {
      const std::string allowed = absl::StrCat("1 to ", buckets.back());
      return Mismatch(spec, WithLength(spec, input.axis, allowed), *tensor);
    }
    if (first == nullptr) {
      first = &spec;
      length.own = own;
    }
    if (own == length.own) continue;
    return Mismatch(spec,
                    absl::StrCat(WithLength(spec, input.axis, absl::StrCat(length.own)),
                                 ", as long as input '", first->name, "'"),
                    *tensor);
  }
  for (const Padding::Mask& mask : method.padding.masks) {
    const Tensor* const tensor = TensorAt(arguments, mask.place);
    if (tensor == nullptr) continue;
    const size_t masked = PlaceOfMasked(method, mask, arguments);
    const Shape expected = {TensorAt(arguments, masked)->shape[0], length.own};
    if (tensor->shape == expected) continue;
    return Mismatch(method.inputs[mask.place],
                    absl::StrCat("shape ", ShapeText(expected), ", as it masks input '",
                                 method.inputs[masked].name, "'"),
                    *tensor);
  }
  length.bucket = *std::lower_bound(buckets.begin(), buckets.end(), length.own);
  return length;
}

void Pad(const MethodSignature& method, const PaddedLength& length, Arguments& arguments) {
  for (const Padding::Input& input : method.padding.inputs) {
    Tensor* const tensor = TensorAt(arguments, input.place);
    if (tensor != nullptr) Fill(*tensor, input.axis, input.item, length.bucket);
  }
  for (const Padding::Mask& mask : method.padding.masks) {
    if (Tensor* const tensor = TensorAt(arguments, mask.place)) {
      Fill(*tensor, kMaskAxis, mask.zero, length.bucket);
      continue;
    }
    const DType dtype = *method.inputs[mask.place].dtype;
    const int64_t rows = RowsOfMasked(method, mask, arguments);
    arguments[mask.place] = Value{MakeMask(mask, dtype, rows, length)};
  }
}

absl::Status CutBack(const MethodSignature& method, const PaddedLength& length,
                     NamedValues& outputs) {
  for (NamedValue& output : outputs) {
    for (const Padding::Output& padded : method.padding.outputs) {
      if (padded.name != output.name || std::holds_alternative<Null>(output.value.kind)) continue;
      auto* const tensor = std::get_if<Tensor>(&output.value.kind);
      if (tensor == nullptr || tensor->shape.size() <= padded.axis ||
          tensor->shape[padded.axis] != length.bucket) {
        return Refuse(absl::StatusCode::kInternal,
                      absl::StrCat("output '", output.name, "': expected length ", length.bucket,
                                   " at axis ", padded.axis, ", as pad in model.yaml says, got ",
                                   tensor == nullptr ? std::string(KindName(output.value))
                                                     : ShapeText(tensor->shape)),
                      {.reason = "MODEL_FAILED", .metadata = {{"output", output.name}}});
      }
      CutTensor(*tensor, padded.axis, length.own);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> PadRequest(Request& request) {
  const MethodSignature& method = *request.method;
  if (method.padding.buckets.empty()) return 0;
  TORCHERE_ASSIGN_OR_RETURN(const PaddedLength length, LengthOf(method, request.arguments));
  if (const int64_t added = AddedBytes(method, length, request.arguments); added > 0) {
    TORCHERE_RETURN_IF_ERROR(request.ticket.Resize(request.ticket.bytes() + added));
  }
  Pad(method, length, request.arguments);
  if (length.own != length.bucket && !method.padding.outputs.empty()) {
    request.reply = Reply(*new CutReply(method, length, std::move(request.reply)));
  }
  return length.bucket;
}

}  // namespace torchere
