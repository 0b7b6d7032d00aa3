// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "server/request/signature.h"

namespace torchere {

// How the requests of a batched method are put together by their rows, and
// what it returned is taken apart. Rows are the first dimension of each tensor
// of all arguments. No tensor's bytes are copied on the way in.

// How many rows the arguments have; nothing where they have no tensor, one
// without dimensions, no rows, or tensors that disagree, or where what is not a
// tensor is too much to be compared: they run alone.
std::optional<int64_t> RowsOf(const Arguments& arguments);

// Whether they give anything that could have been left out; what is made where it is
// left out does not count.
bool GiveOptional(const MethodSignature& method, const Arguments& arguments);

// Whether both can be rows of one batch: they agree in their tensors' dtypes and
// further dimensions, and in all that is not a tensor.
bool CanStack(const Arguments& a, const Arguments& b);

// The same for arguments that can stack, and nearly always another for others.
size_t StackHash(const Arguments& arguments);

// The rows of all, one below the other, which must be able to stack; then copies
// of the last row until there are `rows`.
Arguments Stack(const std::vector<const Arguments*>& all, int64_t rows);

// Rows [first, first + count) of arguments that have rows.
Arguments SliceRows(const Arguments& arguments, int64_t first, int64_t count);

// Rows [first, first + count) of what a batch of `rows` rows returned: of its
// tensors, its lists, and what its tuples and dicts hold. Nothing where an output
// of `type` does not go by rows. Where the slice is small beside what it would
// keep in memory, it is a copy.
std::optional<Value> SliceRows(const Value& output, const ValueType& type, int64_t rows,
                               int64_t first, int64_t count);

// Whether SliceRows can take it apart, by its shapes alone: its bytes need not be
// there yet.
bool GoesByRows(const Value& output, const ValueType& type, int64_t rows);

// What was sliced, put together again: the same output of each part, in order.
// Nothing where they do not agree.
std::optional<Value> JoinRows(const std::vector<const Value*>& parts, const ValueType& type);

}  // namespace torchere
