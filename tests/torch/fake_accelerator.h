// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

namespace torchere {

// A device of LibTorch's (PrivateUse1) that is made of host memory, with two
// indices. Its streams do what they were given only when somebody waits for it,
// so that whoever reads without waiting finds nothing (0xFF). What is not a copy
// runs at once, by LibTorch's kernels for the CPU, once what is ahead of it has been
// done. Keeps a diary of what streams were given and who waited.
//
// The whole process has one; a program that links or preloads it can load models
// onto "privateuseone:0". With FAKE_ACCELERATOR_EVENTS=N in the environment the
// device breaks when the N-th event is waited for.
namespace fake_accelerator {

inline constexpr c10::DeviceType kType = c10::DeviceType::PrivateUse1;

// Empties the diary and heals what is broken.
void Reset();

// "s1 in", "s1 aten::add.Tensor", "s1 out", "s1 event 4", "wait event 4", "s1
// event 4 passed", "empty cache", … ; s0 is the stream that every thread starts
// on.
std::vector<std::string> Diary();

// Allocations of at least `bytes` fail from now on, as where memory has run out.
void LimitAllocations(size_t bytes);

// Every wait for it fails from now on, and every operation.
void Break();

}  // namespace fake_accelerator

}  // namespace torchere
