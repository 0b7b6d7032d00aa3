# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.V1.ModelState do
  @moduledoc """
  Where a version is in its life. The numbers are TensorFlow Serving's.
  """

  use Protobuf,
    enum: true,
    full_name: "torchere.v1.ModelState",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :MODEL_STATE_UNSPECIFIED, 0
  field :MODEL_STATE_START, 10
  field :MODEL_STATE_LOADING, 20
  field :MODEL_STATE_AVAILABLE, 30
  field :MODEL_STATE_UNLOADING, 40
  field :MODEL_STATE_END, 50
end

defmodule Torchere.V1.ModelSpec do
  @moduledoc """
  Names a method of a model's version.
  """

  use Protobuf,
    full_name: "torchere.v1.ModelSpec",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  oneof :choice, 0

  field :name, 1, type: :string
  field :version, 2, type: :int64, oneof: 0
  field :label, 3, type: :string, oneof: 0
  field :method, 4, type: :string
end

defmodule Torchere.V1.ServedModel do
  @moduledoc """
  What really ran.
  """

  use Protobuf,
    full_name: "torchere.v1.ServedModel",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :name, 1, type: :string
  field :version, 2, type: :int64
  field :label, 3, type: :string
  field :method, 4, type: :string
  field :digest, 5, type: :string
end
