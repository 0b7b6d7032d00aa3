# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.V1.Error.MetadataEntry do
  use Protobuf,
    full_name: "torchere.v1.Error.MetadataEntry",
    map: true,
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule Torchere.V1.Error do
  @moduledoc """
  An error in the body of an answer.
  """

  use Protobuf,
    full_name: "torchere.v1.Error",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :code, 1, type: :int32
  field :message, 2, type: :string
  field :reason, 3, type: :string
  field :metadata, 4, repeated: true, type: Torchere.V1.Error.MetadataEntry, map: true
  field :retry_after, 5, type: Google.Protobuf.Duration, json_name: "retryAfter"
end

defmodule Torchere.V1.RpcStatus do
  @moduledoc """
  The content of the trailer "grpc-status-details-bin".
  """

  use Protobuf,
    full_name: "torchere.v1.RpcStatus",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :code, 1, type: :int32
  field :message, 2, type: :string
  field :details, 3, repeated: true, type: Google.Protobuf.Any
end

defmodule Torchere.V1.ErrorInfo.MetadataEntry do
  use Protobuf,
    full_name: "torchere.v1.ErrorInfo.MetadataEntry",
    map: true,
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule Torchere.V1.ErrorInfo do
  @moduledoc """
  Why, for a program.
  """

  use Protobuf,
    full_name: "torchere.v1.ErrorInfo",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :reason, 1, type: :string
  field :domain, 2, type: :string
  field :metadata, 3, repeated: true, type: Torchere.V1.ErrorInfo.MetadataEntry, map: true
end

defmodule Torchere.V1.RetryInfo do
  @moduledoc """
  When to come back.
  """

  use Protobuf,
    full_name: "torchere.v1.RetryInfo",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :retry_delay, 1, type: Google.Protobuf.Duration, json_name: "retryDelay"
end
