# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.Tensor do
  @moduledoc """
  A dense array, for callers without Nx.

  Fields:

    * `:type` - `:bool`, `:u8`, `:s8`, `:s16`, `:s32`, `:s64`, `:f16`, `:bf16`, `:f32` or
      `:f64`
    * `:shape` - length of each dimension, outermost first; `[]` is a scalar
    * `:data` - the items in row-major order, little-endian, without padding; a bool is
      one byte, 0 or 1

  Non-finite numbers are `:nan`, `:infinity` and `:neg_infinity`, as in Nx.
  """

  import Bitwise

  alias Torchere.{V1, Value}

  @enforce_keys [:type, :shape, :data]
  defstruct [:type, :shape, :data]

  @typedoc "Type of an item."
  @type type :: :bool | :u8 | :s8 | :s16 | :s32 | :s64 | :f16 | :bf16 | :f32 | :f64
  @type t :: %__MODULE__{type: type(), shape: [non_neg_integer()], data: binary()}
  @typedoc "One item, as a number."
  @type item :: number() | boolean() | :nan | :infinity | :neg_infinity

  # Type, its number on the wire, bytes of an item.
  @types [
    {:bool, :DATA_TYPE_BOOL, 1},
    {:u8, :DATA_TYPE_UINT8, 1},
    {:s8, :DATA_TYPE_INT8, 1},
    {:s16, :DATA_TYPE_INT16, 2},
    {:s32, :DATA_TYPE_INT32, 4},
    {:s64, :DATA_TYPE_INT64, 8},
    {:f16, :DATA_TYPE_FP16, 2},
    {:bf16, :DATA_TYPE_BF16, 2},
    {:f32, :DATA_TYPE_FP32, 4},
    {:f64, :DATA_TYPE_FP64, 8}
  ]
  @names Enum.map(@types, &elem(&1, 0))
  @to_wire Map.new(@types, fn {type, wire, _} -> {type, wire} end)
  @from_wire Map.new(@types, fn {type, wire, _} -> {wire, type} end)
  @sizes Map.new(@types, fn {type, _, size} -> {type, size} end)

  @nx? Code.ensure_loaded?(Nx)
  @default if(@nx?, do: :nx, else: :torchere)

  @doc """
  A tensor of `data`, the bytes of its items.

      iex> Torchere.Tensor.new(:f32, [1, 2], <<1.0::float-32-little, 2.0::float-32-little>>)
      ...> |> Torchere.Tensor.to_list()
      [[1.0, 2.0]]

  Raises `ArgumentError` for an unknown type, a shape that is no list of lengths, and data
  that is not as long as the two say.
  """
  @spec new(type(), [non_neg_integer()], binary()) :: t()
  def new(type, shape, data) do
    checked(%__MODULE__{type: type, shape: shape, data: data}, "tensor")
  end

  @doc """
  A tensor of nested lists, whose lengths are its shape; a lone item gives a scalar.

      iex> Torchere.Tensor.from_list(:s64, [[1, 2, 3], [4, 5, 6]]).shape
      [2, 3]

  Raises `ArgumentError` for an unknown type, and where the lists differ in length or an item
  does not fit.
  """
  @spec from_list(type(), item() | list()) :: t()
  def from_list(type, list) do
    if type not in @names, do: refuse_type(type, "tensor")
    shape = shape(list)
    items = flatten(list, shape)
    %__MODULE__{type: type, shape: shape, data: for(i <- items, into: "", do: write(type, i))}
  end

  @doc """
  The items as nested lists, or a lone item where the tensor is a scalar.

      iex> Torchere.Tensor.to_list(Torchere.Tensor.from_list(:bool, [true, false]))
      [true, false]
  """
  @spec to_list(t()) :: item() | list()
  def to_list(%__MODULE__{type: type, shape: shape, data: data}), do: nested(type, shape, data)

  defp nested(type, [], item), do: read(type, item)

  defp nested(type, [length | shape], data) do
    size = Enum.product(shape) * @sizes[type]
    for i <- 0..(length - 1)//1, do: nested(type, shape, binary_part(data, i * size, size))
  end

  @doc false
  @spec default() :: :nx | :torchere
  def default, do: @default

  @doc false
  @spec checked_kind(term()) :: :nx | :torchere
  def checked_kind(:torchere), do: :torchere
  if @nx?, do: def(checked_kind(:nx), do: :nx)

  def checked_kind(other) do
    raise ArgumentError,
          "tensors: expected :torchere, or :nx where Nx is a dependency, got #{inspect(other)}"
  end

  @doc false
  @spec type(term()) :: type() | nil
  def type(wire), do: @from_wire[wire]

  @doc false
  @spec to_wire(struct(), String.t()) :: V1.Tensor.t()
  def to_wire(%__MODULE__{} = tensor, where) do
    %{type: type, shape: shape, data: data} = checked(tensor, where)
    %V1.Tensor{dtype: @to_wire[type], shape: shape, data: data}
  end

  if @nx? do
    def to_wire(%Nx.Tensor{} = tensor, where) do
      {kind, bits} = Nx.type(tensor)
      type = Enum.find(@names, &(Atom.to_string(&1) == "#{kind}#{bits}"))

      %V1.Tensor{
        dtype: @to_wire[type] || refuse_type(Nx.type(tensor), where),
        shape: Tuple.to_list(Nx.shape(tensor)),
        data: Nx.to_binary(tensor)
      }
    end
  end

  def to_wire(%module{}, where) do
    raise ArgumentError, "#{where}: cannot send a #{inspect(module)}"
  end

  @doc false
  # Raises Torchere.Error for what this client cannot read.
  @spec from_wire(V1.Tensor.t(), String.t(), :nx | :torchere) :: t() | struct()
  def from_wire(%V1.Tensor{dtype: wire, shape: shape, data: data}, where, kind) do
    type = type(wire) || raise Value.unreadable("UNKNOWN_DTYPE", "#{where}: #{inspect(wire)}")
    expected = Enum.product(shape) * @sizes[type]

    if byte_size(data) != expected or Enum.any?(shape, &(&1 < 0)) do
      text = "#{where}: #{type} #{inspect(shape)} in #{byte_size(data)} bytes, not #{expected}"
      raise Value.unreadable("LENGTH_MISMATCH", text)
    end

    of_kind(kind, %__MODULE__{type: type, shape: shape, data: data})
  end

  defp of_kind(:torchere, tensor), do: tensor

  if @nx? do
    # Nx knows no empty tensor.
    defp of_kind(:nx, %{data: ""} = tensor), do: tensor

    defp of_kind(:nx, tensor) do
      type = if tensor.type == :bool, do: :u8, else: tensor.type
      tensor.data |> Nx.from_binary(type) |> Nx.reshape(List.to_tuple(tensor.shape))
    end
  end

  # A struct may have been built by hand.
  defp checked(%__MODULE__{type: type, shape: shape, data: data} = tensor, where) do
    if type not in @names, do: refuse_type(type, where)

    for length <- Value.list!(shape, "#{where}: shape"),
        Value.int!(length, "#{where}: shape") < 0,
        do: raise(ArgumentError, "#{where}: shape: #{inspect(shape)} has a negative length")

    if not is_binary(data) do
      raise ArgumentError, "#{where}: data: expected a binary, got #{inspect(data, limit: 5)}"
    end

    expected = Enum.product(shape) * @sizes[type]

    if byte_size(data) != expected do
      text = "#{type} #{inspect(shape)} has #{expected} bytes, got #{byte_size(data)}"
      raise ArgumentError, "#{where}: #{text}"
    end

    tensor
  end

  defp refuse_type(type, where) do
    raise ArgumentError,
          "#{where}: unknown type #{inspect(type)}; known are #{Enum.join(@names, ", ")}"
  end

  defp shape([]), do: [0]
  defp shape([first | _] = list), do: [length(Value.list!(list, "tensor")) | shape(first)]
  defp shape(_item), do: []

  defp flatten(item, []) when not is_list(item), do: [item]

  # An improper list has no length: the guard fails.
  defp flatten(list, [length | rest]) when is_list(list) and length(list) == length do
    Enum.flat_map(list, &flatten(&1, rest))
  end

  defp flatten(_list, _shape), do: raise(ArgumentError, "the lists differ in length or depth")

  # The bits of what is not a number: sign, exponent and one bit of the fraction.
  @special %{
    f16: %{nan: 0x7E00, infinity: 0x7C00, neg_infinity: 0xFC00},
    bf16: %{nan: 0x7FC0, infinity: 0x7F80, neg_infinity: 0xFF80},
    f32: %{nan: 0x7FC00000, infinity: 0x7F800000, neg_infinity: 0xFF800000},
    f64: %{nan: 0x7FF8 <<< 48, infinity: 0x7FF0 <<< 48, neg_infinity: 0xFFF0 <<< 48}
  }

  defp write(:bool, true), do: <<1>>
  defp write(:bool, false), do: <<0>>
  defp write(:u8, item) when item in 0..0xFF, do: <<item>>
  defp write(:s8, item) when item in -0x80..0x7F, do: <<item>>
  defp write(:s16, item) when item in -0x8000..0x7FFF, do: <<item::16-little>>
  defp write(:s32, item) when item in -0x80000000..0x7FFFFFFF, do: <<item::32-little>>

  defp write(:s64, item) when item in -0x8000000000000000..0x7FFFFFFFFFFFFFFF,
    do: <<item::64-little>>

  defp write(type, item)
       when type in [:f16, :bf16, :f32, :f64] and item in [:nan, :infinity, :neg_infinity] do
    size = @sizes[type] * 8
    <<@special[type][item]::size(size)-little>>
  end

  defp write(:f16, item) when is_number(item), do: <<item::float-16-little>>
  defp write(:f32, item) when is_number(item), do: <<item::float-32-little>>
  defp write(:f64, item) when is_number(item), do: <<item::float-64-little>>

  # The upper half of an f32, rounded to the nearest, and to even from the middle.
  defp write(:bf16, item) when is_number(item) do
    <<bits::32>> = <<item::float-32>>
    <<(bits + 0x7FFF + (bits >>> 16 &&& 1)) >>> 16::16-little>>
  end

  defp write(type, item) do
    raise ArgumentError, "a tensor of #{type} cannot hold #{inspect(item)}"
  end

  defp read(:bool, <<item>>), do: item != 0
  defp read(:u8, <<item>>), do: item
  defp read(:s8, <<item::signed>>), do: item
  defp read(:s16, <<item::signed-16-little>>), do: item
  defp read(:s32, <<item::signed-32-little>>), do: item
  defp read(:s64, <<item::signed-64-little>>), do: item
  defp read(:bf16, <<bits::16-little>>), do: read(:f32, <<bits <<< 16::32-little>>)
  defp read(:f16, <<item::float-16-little>>), do: item
  defp read(:f32, <<item::float-32-little>>), do: item
  defp read(:f64, <<item::float-64-little>>), do: item

  defp read(type, data) do
    size = @sizes[type] * 8
    <<bits::size(size)-little>> = data
    Enum.find([:infinity, :neg_infinity], :nan, &(@special[type][&1] == bits))
  end
end
