# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.Value do
  @moduledoc false
  # Elixir's values to torchere.v1.Value and back.

  alias Torchere.{Error, Tensor, V1}

  # A scalar or a tensor is 1 deep, a list of them 2, and so on.
  @max_depth 16

  @spec encode_inputs(term()) :: [V1.NamedValue.t()]
  def encode_inputs(inputs) when is_map(inputs) and not is_struct(inputs) do
    for {name, value} <- inputs do
      name = name |> key_text() |> text!("name of an input")
      %V1.NamedValue{name: name, value: encode(value, "input #{inspect(name)}")}
    end
  end

  def encode_inputs(other) do
    raise ArgumentError, "inputs: expected a map of values by name, got #{inspect(other)}"
  end

  @doc "`where` names the value in an error: `input \"x\"[0]`."
  @spec encode(term(), String.t(), pos_integer()) :: V1.Value.t()
  def encode(value, where, depth \\ 1)

  def encode(_value, where, depth) when depth > @max_depth do
    raise ArgumentError, "#{where}: nested more than #{@max_depth} deep"
  end

  def encode(value, where, depth), do: %V1.Value{kind: kind(value, where, depth)}

  defp kind(nil, _where, _depth), do: {:null, %V1.NullValue{}}
  defp kind(value, _where, _depth) when is_boolean(value), do: {:bool, value}
  defp kind(value, _where, _depth) when is_float(value), do: {:float, value}
  defp kind(:neg_infinity, _where, _depth), do: {:float, :negative_infinity}
  defp kind(value, _where, _depth) when value in [:nan, :infinity], do: {:float, value}
  defp kind(value, where, _depth) when is_integer(value), do: {:int, int!(value, where)}
  defp kind(value, where, _depth) when is_binary(value), do: {:text, text!(value, where)}

  defp kind(value, where, _depth) when is_struct(value),
    do: {:tensor, Tensor.to_wire(value, where)}

  defp kind(value, where, depth) when is_tuple(value) do
    kind(Tuple.to_list(value), where, depth)
  end

  defp kind(value, where, depth) when is_list(value) do
    items = value |> list!(where) |> Enum.with_index()
    values = for {item, i} <- items, do: encode(item, "#{where}[#{i}]", depth + 1)

    {:list, %V1.ValueList{values: values}}
  end

  defp kind(value, where, depth) when is_map(value) do
    entries =
      for {key, item} <- value do
        item = encode(item, "#{where}[#{inspect(key)}]", depth + 1)
        %V1.ValueMap.Entry{key: key(key, where), value: item}
      end

    if entries |> Enum.uniq_by(&elem(&1.key, 0)) |> length() > 1 do
      raise ArgumentError, "#{where}: keys are all text or all integers, got both"
    end

    {:map, %V1.ValueMap{entries: entries}}
  end

  defp kind(value, where, _depth) do
    raise ArgumentError,
          "#{where}: cannot send #{inspect(value, limit: 5)}; it takes tensors (Nx.Tensor, " <>
            "Torchere.Tensor), text, numbers, booleans, nil, lists, tuples and maps"
  end

  defp key(key, where) when is_integer(key), do: {:int, int!(key, "#{where}: key")}
  defp key(key, where), do: {:text, key |> key_text() |> text!("#{where}: key")}

  defp key_text(key) when is_atom(key) and key not in [nil, true, false], do: Atom.to_string(key)
  defp key_text(key), do: key

  @doc "Raises Torchere.Error, `:internal`, for what this client cannot read."
  @spec decode(V1.Value.t(), String.t(), :nx | :torchere) :: Torchere.value()
  def decode(%V1.Value{kind: kind}, where, tensors) do
    case kind do
      {:tensor, tensor} -> Tensor.from_wire(tensor, where, tensors)
      {:list, list} -> for item <- list.values, do: decode(item, where, tensors)
      {:map, map} -> for entry <- map.entries, into: %{}, do: entry(entry, where, tensors)
      {:null, _} -> nil
      {:float, :negative_infinity} -> :neg_infinity
      {_, plain} -> plain
      nil -> raise unreadable("UNSUPPORTED_OUTPUT", "#{where}: a kind of value it does not know")
    end
  end

  defp entry(%V1.ValueMap.Entry{key: {_, key}, value: value}, where, tensors) do
    {key, decode(value, "#{where}[#{inspect(key)}]", tensors)}
  end

  @spec unreadable(String.t(), String.t()) :: Error.t()
  def unreadable(reason, text) do
    text = "this client cannot read the answer; is it older than the server? #{text}"
    %Error{code: :internal, reason: reason, message: text}
  end

  @spec text!(term(), String.t()) :: String.t()
  def text!(value, where) do
    cond do
      not is_binary(value) ->
        raise ArgumentError, "#{where}: expected text, got #{inspect(value)}"

      not String.valid?(value) ->
        raise ArgumentError, "#{where}: not UTF-8; bytes of a tensor go into a Torchere.Tensor"

      true ->
        value
    end
  end

  @spec list!(term(), String.t()) :: list()
  def list!(value, where) do
    if is_list(value) and not List.improper?(value) do
      value
    else
      raise ArgumentError, "#{where}: expected a proper list, got #{inspect(value, limit: 5)}"
    end
  end

  @spec int!(term(), String.t(), pos_integer()) :: integer()
  def int!(value, where, bits \\ 64) do
    if is_integer(value) and value in -(2 ** (bits - 1))..(2 ** (bits - 1) - 1) do
      value
    else
      raise ArgumentError, "#{where}: expected an integer of #{bits} bits, got #{inspect(value)}"
    end
  end
end
