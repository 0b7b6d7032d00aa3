# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.V1.GetModelStatusRequest do
  @moduledoc """
  Whose status.
  """

  use Protobuf,
    full_name: "torchere.v1.GetModelStatusRequest",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  oneof :choice, 0

  field :name, 1, type: :string
  field :version, 2, type: :int64, oneof: 0
  field :label, 3, type: :string, oneof: 0
end

defmodule Torchere.V1.GetModelStatusResponse do
  @moduledoc """
  The status asked for.
  """

  use Protobuf,
    full_name: "torchere.v1.GetModelStatusResponse",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :model, 1, type: Torchere.V1.ModelStatus
end

defmodule Torchere.V1.ListModelsRequest do
  @moduledoc """
  Asks for all.
  """

  use Protobuf,
    full_name: "torchere.v1.ListModelsRequest",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3
end

defmodule Torchere.V1.ListModelsResponse do
  @moduledoc """
  All models.
  """

  use Protobuf,
    full_name: "torchere.v1.ListModelsResponse",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :models, 1, repeated: true, type: Torchere.V1.ModelStatus
end

defmodule Torchere.V1.ModelStatus do
  @moduledoc """
  A model and its versions.
  """

  use Protobuf,
    full_name: "torchere.v1.ModelStatus",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :name, 1, type: :string
  field :versions, 2, repeated: true, type: Torchere.V1.ModelVersionStatus
end

defmodule Torchere.V1.ModelVersionStatus do
  @moduledoc """
  One version's state.
  """

  use Protobuf,
    full_name: "torchere.v1.ModelVersionStatus",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :version, 1, type: :int64
  field :state, 2, type: Torchere.V1.ModelState, enum: true
  field :error, 3, type: Torchere.V1.Error
  field :state_since, 4, type: Google.Protobuf.Timestamp, json_name: "stateSince"
  field :load_time, 5, type: Google.Protobuf.Duration, json_name: "loadTime"
  field :device, 6, type: :string
  field :backend, 7, type: :string
  field :digest, 8, type: :string
  field :file_bytes, 9, type: :int64, json_name: "fileBytes"
  field :labels, 10, repeated: true, type: :string
end

defmodule Torchere.V1.GetModelSignatureRequest do
  @moduledoc """
  Whose signature.
  """

  use Protobuf,
    full_name: "torchere.v1.GetModelSignatureRequest",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  oneof :choice, 0

  field :name, 1, type: :string
  field :version, 2, type: :int64, oneof: 0
  field :label, 3, type: :string, oneof: 0
end

defmodule Torchere.V1.GetModelSignatureResponse do
  @moduledoc """
  How a version is called.
  """

  use Protobuf,
    full_name: "torchere.v1.GetModelSignatureResponse",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :model, 1, type: Torchere.V1.ServedModel
  field :methods, 2, repeated: true, type: Torchere.V1.MethodSignature
end

defmodule Torchere.V1.MethodSignature do
  @moduledoc """
  One method.
  """

  use Protobuf,
    full_name: "torchere.v1.MethodSignature",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :name, 1, type: :string
  field :inputs, 2, repeated: true, type: Torchere.V1.ValueSignature
  field :outputs, 3, repeated: true, type: Torchere.V1.ValueSignature
  field :batched, 4, type: :bool
  field :run_costs, 5, repeated: true, type: Torchere.V1.RunCost, json_name: "runCosts"
end

defmodule Torchere.V1.RunCost do
  @moduledoc """
  How long a run takes.
  """

  use Protobuf,
    full_name: "torchere.v1.RunCost",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :rows, 1, type: :int64
  field :time, 2, type: Google.Protobuf.Duration
end

defmodule Torchere.V1.ValueSignature do
  @moduledoc """
  An argument or an output.
  """

  use Protobuf,
    full_name: "torchere.v1.ValueSignature",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :name, 1, type: :string
  field :type, 2, type: :string
  field :dtype, 3, type: Torchere.V1.DataType, enum: true
  field :shape, 4, type: Torchere.V1.TensorShape
  field :has_default, 5, type: :bool, json_name: "hasDefault"
  field :default_value, 6, type: Torchere.V1.Value, json_name: "defaultValue"
  field :labels, 7, repeated: true, type: :string
  field :range, 8, type: Torchere.V1.IntRange
end

defmodule Torchere.V1.IntRange do
  @moduledoc """
  Integers from one to another, both included.
  """

  use Protobuf,
    full_name: "torchere.v1.IntRange",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :least, 1, type: :int64
  field :most, 2, type: :int64
end

defmodule Torchere.V1.TensorShape do
  @moduledoc """
  A declared shape.
  """

  use Protobuf,
    full_name: "torchere.v1.TensorShape",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :dims, 1, repeated: true, type: :int64
end

defmodule Torchere.V1.ModelStatusService.Service do
  @moduledoc """
  Tells what is served. Changes nothing.
  """

  use GRPC.Service, name: "torchere.v1.ModelStatusService", protoc_gen_elixir_version: "0.17.0"

  rpc :GetModelStatus, Torchere.V1.GetModelStatusRequest, Torchere.V1.GetModelStatusResponse

  rpc :ListModels, Torchere.V1.ListModelsRequest, Torchere.V1.ListModelsResponse

  rpc :GetModelSignature,
      Torchere.V1.GetModelSignatureRequest,
      Torchere.V1.GetModelSignatureResponse
end

defmodule Torchere.V1.ModelStatusService.Stub do
  use GRPC.Stub, service: Torchere.V1.ModelStatusService.Service
end
