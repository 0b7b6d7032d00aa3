# SPDX-License-Identifier: Apache-2.0
"""Generated messages and stubs of the gRPC package torchere.v1, for raw calls."""
