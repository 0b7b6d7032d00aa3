# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.V1.PredictRequest do
  @moduledoc """
  What to run, and on what.
  """

  use Protobuf,
    full_name: "torchere.v1.PredictRequest",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :model, 1, type: Torchere.V1.ModelSpec
  field :inputs, 2, repeated: true, type: Torchere.V1.NamedValue
  field :outputs, 3, repeated: true, type: :string
  field :options, 4, type: Torchere.V1.RequestOptions
end

defmodule Torchere.V1.RequestOptions do
  @moduledoc """
  What can be said of a request beside its inputs.
  """

  use Protobuf,
    full_name: "torchere.v1.RequestOptions",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :request_id, 1, type: :string, json_name: "requestId"
  field :priority, 3, type: :int32
end

defmodule Torchere.V1.PredictResponse do
  @moduledoc """
  What the model answered.
  """

  use Protobuf,
    full_name: "torchere.v1.PredictResponse",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :model, 1, type: Torchere.V1.ServedModel
  field :outputs, 2, repeated: true, type: Torchere.V1.NamedValue
  field :timing, 3, type: Torchere.V1.Timing
  field :request_id, 4, type: :string, json_name: "requestId"
end

defmodule Torchere.V1.Timing do
  @moduledoc """
  Where a request's time went, inside the server.
  """

  use Protobuf,
    full_name: "torchere.v1.Timing",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :queue, 1, type: Google.Protobuf.Duration
  field :compute, 2, type: Google.Protobuf.Duration
  field :total, 3, type: Google.Protobuf.Duration
  field :batch_rows, 4, type: :int64, json_name: "batchRows"
end

defmodule Torchere.V1.PredictStreamRequest do
  @moduledoc """
  One message to a PredictStream call.
  """

  use Protobuf,
    full_name: "torchere.v1.PredictStreamRequest",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  oneof :kind, 0

  field :id, 1, type: :uint64
  field :predict, 2, type: Torchere.V1.PredictRequest, oneof: 0
  field :cancel, 3, type: Torchere.V1.Cancel, oneof: 0
  field :timeout, 4, type: Google.Protobuf.Duration
end

defmodule Torchere.V1.Cancel do
  @moduledoc """
  Ends a request of a PredictStream call: it says all there is to say by being
  there.
  """

  use Protobuf,
    full_name: "torchere.v1.Cancel",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3
end

defmodule Torchere.V1.PredictStreamResponse do
  @moduledoc """
  The answer to one request of a PredictStream call.
  """

  use Protobuf,
    full_name: "torchere.v1.PredictStreamResponse",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  oneof :kind, 0

  field :id, 1, type: :uint64
  field :response, 2, type: Torchere.V1.PredictResponse, oneof: 0
  field :error, 3, type: Torchere.V1.Error, oneof: 0
end

defmodule Torchere.V1.PredictService.Service do
  @moduledoc """
  Runs models. Every error carries google.rpc.ErrorInfo (see error.proto).
  """

  use GRPC.Service, name: "torchere.v1.PredictService", protoc_gen_elixir_version: "0.17.0"

  rpc :Predict, Torchere.V1.PredictRequest, Torchere.V1.PredictResponse

  rpc :PredictStream,
      stream(Torchere.V1.PredictStreamRequest),
      stream(Torchere.V1.PredictStreamResponse)
end

defmodule Torchere.V1.PredictService.Stub do
  use GRPC.Stub, service: Torchere.V1.PredictService.Service
end
