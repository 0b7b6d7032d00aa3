# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.V1.DataType do
  @moduledoc """
  Element type of a tensor. Items are little-endian.
  """

  use Protobuf,
    enum: true,
    full_name: "torchere.v1.DataType",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :DATA_TYPE_UNSPECIFIED, 0
  field :DATA_TYPE_BOOL, 1
  field :DATA_TYPE_UINT8, 2
  field :DATA_TYPE_INT8, 3
  field :DATA_TYPE_INT16, 4
  field :DATA_TYPE_INT32, 5
  field :DATA_TYPE_INT64, 6
  field :DATA_TYPE_FP16, 7
  field :DATA_TYPE_BF16, 8
  field :DATA_TYPE_FP32, 9
  field :DATA_TYPE_FP64, 10
end

defmodule Torchere.V1.Tensor do
  @moduledoc """
  A dense array.
  """

  use Protobuf,
    full_name: "torchere.v1.Tensor",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :dtype, 1, type: Torchere.V1.DataType, enum: true
  field :shape, 2, repeated: true, type: :int64
  field :data, 3, type: :bytes
end

defmodule Torchere.V1.Value do
  @moduledoc """
  One value of any type that a model takes or returns.

  TorchScript type            | kind
  Tensor                      | tensor
  str, int, float, bool       | text, int, float, bool
  None, an empty Optional     | null
  List, Tuple                 | list
  NamedTuple, Dict            | map (a NamedTuple's keys are its field names)

  Where a method wants a float, an int is taken too. Nested at most 16 deep.
  """

  use Protobuf,
    full_name: "torchere.v1.Value",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  oneof :kind, 0

  field :tensor, 1, type: Torchere.V1.Tensor, oneof: 0
  field :text, 2, type: :string, oneof: 0
  field :int, 3, type: :int64, oneof: 0
  field :float, 4, type: :double, oneof: 0
  field :bool, 5, type: :bool, oneof: 0
  field :list, 6, type: Torchere.V1.ValueList, oneof: 0
  field :map, 7, type: Torchere.V1.ValueMap, oneof: 0
  field :null, 8, type: Torchere.V1.NullValue, oneof: 0
end

defmodule Torchere.V1.ValueList do
  @moduledoc """
  A List or a Tuple, in order.
  """

  use Protobuf,
    full_name: "torchere.v1.ValueList",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :values, 1, repeated: true, type: Torchere.V1.Value
end

defmodule Torchere.V1.ValueMap.Entry do
  @moduledoc """
  One key with its value.
  """

  use Protobuf,
    full_name: "torchere.v1.ValueMap.Entry",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  oneof :key, 0

  field :text, 1, type: :string, oneof: 0
  field :int, 2, type: :int64, oneof: 0
  field :value, 3, type: Torchere.V1.Value
end

defmodule Torchere.V1.ValueMap do
  @moduledoc """
  A Dict or a NamedTuple. Not a protobuf map: the order of a Dict is kept, and
  a key that comes twice can be refused.
  """

  use Protobuf,
    full_name: "torchere.v1.ValueMap",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :entries, 1, repeated: true, type: Torchere.V1.ValueMap.Entry
end

defmodule Torchere.V1.NullValue do
  @moduledoc """
  None: it says all there is to say by being there.
  """

  use Protobuf,
    full_name: "torchere.v1.NullValue",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3
end

defmodule Torchere.V1.NamedValue do
  @moduledoc """
  A value with the name of the argument or output that it belongs to.
  """

  use Protobuf,
    full_name: "torchere.v1.NamedValue",
    protoc_gen_elixir_version: "0.17.0",
    syntax: :proto3

  field :name, 1, type: :string
  field :value, 2, type: Torchere.V1.Value
end
