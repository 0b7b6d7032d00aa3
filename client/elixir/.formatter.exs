# SPDX-License-Identifier: Apache-2.0
[
  import_deps: [:protobuf, :grpc_core],
  inputs: ["{mix,.formatter}.exs", "{lib,test}/**/*.{ex,exs}"]
]
