// SPDX-License-Identifier: Apache-2.0

// Package torcherev1 has the messages and stubs of torchere.v1, as tools/generate makes them of the
// .proto files. Package torchere, in the folder above, is what most callers want.
package torcherev1
