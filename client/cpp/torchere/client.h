// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "torchere/error_details.h"
#include "torchere/model.h"
#include "torchere/value.h"

namespace torchere {
inline namespace client {

struct ClientOptions {
  // How long a call may take that does not say so itself. Greater than 0.
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  // The largest answer that is taken; a larger one is RESOURCE_EXHAUSTED.
  int max_response_bytes = 1 << 30;
};

// What to run, and on what.
struct PredictCall {
  // Name of the model, as Models() gives it; required.
  std::string model = {};
  // The arguments by name, in any order. Those that have a default may be left
  // out. A batch is the first dimension of each tensor: [rows, …].
  std::vector<NamedValue> inputs = {};
  // Method of the module.
  std::string method = "forward";
  // Which version: this one, or the one that carries `label`; at most one of
  // the two. Neither means the newest that is AVAILABLE.
  std::optional<int64_t> version = std::nullopt;
  std::string label = {};
  // Names of the outputs wanted, in the order wanted; empty means all.
  std::vector<std::string> outputs = {};
  // How long the call may take; without it, ClientOptions::timeout.
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;
  // The caller's own name for the request, at most 256 bytes; it comes back.
  std::string request_id = {};
  // Of the requests that wait, the higher goes first; 0 is normal.
  int32_t priority = 0;
};

// Where a request's time went, inside the server.
struct Timing {
  // From the message's arrival to its start on a worker.
  std::chrono::nanoseconds queue{0};
  // In the model.
  std::chrono::nanoseconds compute{0};
  // From the message's arrival to its answer.
  std::chrono::nanoseconds total{0};
  // Rows in the batch that the request ran in; 0 where it ran unbatched.
  int64_t batch_rows = 0;
};

// What a model answered.
struct Prediction {
  // What really ran.
  ServedModel model = {};
  // The outputs: a NamedTuple's fields, a Dict's keys, output_0, … of a plain
  // tuple, "output" for a lone value; a model's config may rename them.
  std::vector<NamedValue> outputs = {};
  Timing timing = {};
  // The call's own.
  std::string request_id = {};

  // The output of that name, or nullptr. Lives as long as the prediction.
  const Value* Output(const std::string& name) const;

  // The tensor of that name. Lives as long as the prediction.
  //
  //   NOT_FOUND         no such output; the text lists those there are
  //   INVALID_ARGUMENT  it is not a tensor
  absl::StatusOr<const Tensor*> TensorOutput(const std::string& name) const;
};

// Which model's status or signature.
struct ModelQuery {
  // Name of the model; required.
  std::string model = {};
  // This version, or the one that carries `label`; at most one of the two.
  // Neither means all versions for Status, the newest AVAILABLE for Signature.
  std::optional<int64_t> version = std::nullopt;
  std::string label = {};
  // How long the call may take; without it, ClientOptions::timeout.
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;
};

// Calls a Torchere server over gRPC, without TLS.
//
// Every method blocks until the answer, an error, or the end of its time, and
// may be called from many threads at once: they share one connection. Nothing
// is retried. An error of the server carries what DetailsOf() reads. Every
// method may return, besides what is said at it:
//
//   INVALID_ARGUMENT   the call contradicts itself: no model (MISSING_MODEL), both
//                      version and label, a timeout that is not greater than 0
//   UNAVAILABLE        no connection to the server
//   DEADLINE_EXCEEDED  the time is over
//   INTERNAL           the answer is malformed, or newer than this client
class Client {
 public:
  // A client of the server at `target`: "HOST:PORT", "unix:PATH" or another
  // name that gRPC resolves. Connects with the first call, and again whenever
  // the connection is lost.
  //
  //   INVALID_ARGUMENT  an empty target, or options out of range
  static absl::StatusOr<Client> Connect(const std::string& target, ClientOptions options = {});

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Runs one method of one model.
  //
  //   INVALID_ARGUMENT     names, dtypes, shapes; inputs of 2 GiB or more; or the
  //                        model itself raised
  //   NOT_FOUND            no such model, version, label or method
  //   FAILED_PRECONDITION  the version exists but is not served
  //   RESOURCE_EXHAUSTED   refused for load (retry after retry_delay), or the
  //                        message is too large
  //   UNAVAILABLE          the model is loading, or the server is draining
  //   INTERNAL             the model returned what Value cannot hold, or a
  //                        failure inside it
  absl::StatusOr<Prediction> Predict(const PredictCall& call) const;

  // The state of one model's versions.
  //
  //   NOT_FOUND  no such model, version or label
  absl::StatusOr<ModelStatus> Status(const ModelQuery& query) const;

  // Every model with its versions, by name.
  absl::StatusOr<std::vector<ModelStatus>> Models(
      std::optional<std::chrono::nanoseconds> timeout = std::nullopt) const;

  // How one version is called: its methods, inputs and outputs.
  //
  //   NOT_FOUND            no such model, version or label
  //   FAILED_PRECONDITION  the version exists but is not served
  absl::StatusOr<ModelSignature> Signature(const ModelQuery& query) const;

 private:
  class Connection;
  explicit Client(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace client
}  // namespace torchere
