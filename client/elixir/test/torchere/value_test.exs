# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.ValueTest do
  use ExUnit.Case, async: true

  alias Torchere.{Error, Tensor, V1, Value}

  defp back(value) do
    value
    |> Value.encode("x")
    |> Protobuf.encode()
    |> V1.Value.decode()
    |> Value.decode("x", :torchere)
  end

  test "each kind of value comes back over the wire" do
    for value <- [
          "",
          "grüß 🙂 \0 end",
          0,
          0x7FFFFFFFFFFFFFFF,
          -0x8000000000000000,
          0.1,
          :infinity,
          :neg_infinity,
          :nan,
          true,
          false,
          nil,
          [],
          [1, [2.5, [nil]]],
          %{},
          %{"a" => [1], "b" => []},
          %{3 => 0.5, -1 => 2.0},
          Tensor.from_list(:f32, [[1, 2]])
        ] do
      assert back(value) === value
    end
  end

  test "negative zero stays negative" do
    assert <<back(-0.0)::float>> == <<-0.0::float>>
  end

  test "a tuple is a list, and an atom as a key its text" do
    assert back({1, "a"}) == [1, "a"]
    assert back(%{low: 0.5}) == %{"low" => 0.5}
  end

  test "inputs are named by text or atoms" do
    assert [%V1.NamedValue{name: "x"}] = Value.encode_inputs(%{x: 1})
    assert [%V1.NamedValue{name: "x"}] = Value.encode_inputs(%{"x" => 1})

    for inputs <- [[x: 1], nil, %{1 => 1}, %{<<0xFF>> => 1}] do
      assert_raise ArgumentError, fn -> Value.encode_inputs(inputs) end
    end
  end

  test "what cannot be sent is refused by its place" do
    for {value, place} <- [
          {%{a: [1, :atom]}, "x[:a][1]: cannot send :atom"},
          {[self()], "x[0]: cannot send #PID"},
          {~D[2026-01-01], "x: cannot send a Date"},
          {0x8000000000000000, "x: expected an integer of 64 bits"},
          {<<0xFF>>, "x: not UTF-8"},
          {%{1.5 => 1}, "x: key: expected text"},
          {%{1 => 1, "a" => 1}, "x: keys are all text or all integers"},
          {[1 | 2], "x: expected a proper list"},
          {%Tensor{type: :f8, shape: [], data: <<0>>}, "x: unknown type :f8"},
          {%Tensor{type: :u8, shape: {1}, data: <<0>>}, "x: shape: expected a proper list"},
          {%Tensor{type: :u8, shape: [1 | 1], data: <<0>>}, "x: shape: expected a proper list"},
          {%Tensor{type: :u8, shape: [1.0], data: <<0>>}, "x: shape: expected an integer"},
          {%Tensor{type: :u8, shape: [-1, -1], data: <<0>>}, "x: shape: [-1, -1] has a negative"},
          {%Tensor{type: :u8, shape: [1], data: [0]}, "x: data: expected a binary"},
          {%Tensor{type: :f32, shape: [2], data: <<0>>}, "x: f32 [2] has 8 bytes, got 1"}
        ] do
      error = assert_raise ArgumentError, fn -> Value.encode(value, "x") end
      assert Exception.message(error) =~ place
    end
  end

  test "16 levels are sent, 17 are refused" do
    nested = fn depth -> Enum.reduce(2..depth//1, 1, fn _, inner -> [inner] end) end
    assert back(nested.(16)) == nested.(16)

    assert_raise ArgumentError, ~r/nested more than 16 deep/, fn ->
      Value.encode(nested.(17), "x")
    end
  end

  test "a kind of value that this client does not know is an error" do
    assert_raise Error, ~r/^INTERNAL \(UNSUPPORTED_OUTPUT\): .*"o"/, fn ->
      Value.decode(%V1.Value{}, ~s("o"), :torchere)
    end
  end
end
