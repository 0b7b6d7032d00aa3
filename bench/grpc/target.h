// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace torchere::bench {

// The one request that is sent again and again.
struct RequestSpec {
  std::string model;
  std::string input = "x";
  // "fp32" or "int64".
  std::string dtype = "fp32";
  // Of the whole tensor, rows first.
  std::vector<int64_t> shape;
};

// A serialised PredictRequest in one slice: sending it copies nothing.
//
//   INVALID_ARGUMENT  another dtype, or a shape without items
absl::StatusOr<grpc::ByteBuffer> MakeRequest(const RequestSpec& spec);

// A server to call.
struct Target {
  std::string address = "127.0.0.1:8500";
  std::string method = "/torchere.v1.PredictService/Predict";
  grpc::ByteBuffer request;
  // Where not empty: sent over HTTP/1.1 instead, a connection for each request in flight.
  std::string http_request;
  // How long the server may take; zero is for ever.
  std::chrono::milliseconds deadline{0};
};

// The bytes of a file: a message that was serialised elsewhere.
//
//   NOT_FOUND  the file cannot be read
absl::StatusOr<std::string> ReadMessage(const std::string& path);

// A connection of its own, shared with no other stub.
//
//   UNAVAILABLE  no connection within 5 s
absl::StatusOr<std::unique_ptr<grpc::GenericStub>> Connect(const std::string& address);

// Before a call starts.
void SetDeadline(const Target& target, grpc::ClientContext& context);

}  // namespace torchere::bench
