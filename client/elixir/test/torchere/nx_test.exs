# SPDX-License-Identifier: Apache-2.0
if Code.ensure_loaded?(Nx) do
  defmodule Torchere.NxTest do
    use ExUnit.Case, async: true

    alias Torchere.{Tensor, V1}

    defp back(tensor, kind), do: tensor |> Tensor.to_wire("x") |> Tensor.from_wire("x", kind)

    test "an Nx tensor of each type comes back as it was" do
      for type <- [:u8, :s8, :s16, :s32, :s64, :f16, :bf16, :f32, :f64], shape <- [{}, {2, 3}] do
        tensor = Nx.iota(shape, type: type)
        back = back(tensor, :nx)
        assert Nx.type(back) == Nx.type(tensor)
        assert Nx.shape(back) == shape
        assert Nx.to_binary(back) == Nx.to_binary(tensor)
      end
    end

    test "an Nx tensor is a Torchere.Tensor where that is asked for" do
      assert back(Nx.tensor([[1, 2]], type: :s16), :torchere) == Tensor.from_list(:s16, [[1, 2]])
    end

    test "a bool tensor becomes one of u8, and an empty one stays what Nx does not have" do
      assert Nx.to_list(back(Tensor.from_list(:bool, [true, false]), :nx)) == [1, 0]
      assert back(Tensor.from_list(:f32, []), :nx) == Tensor.from_list(:f32, [])
    end

    test "a type that the server does not have is refused" do
      for type <- [:u16, :u64, :c64] do
        assert_raise ArgumentError, ~r/^x: unknown type .*known are bool, u8/, fn ->
          Tensor.to_wire(Nx.tensor([1], type: type), "x")
        end
      end
    end

    test "answers hold Nx tensors unless told otherwise" do
      assert Tensor.default() == :nx
      value = %V1.Value{kind: {:tensor, Tensor.to_wire(Tensor.from_list(:f32, [1]), "x")}}
      assert %Nx.Tensor{} = Torchere.Value.decode(value, "x", Tensor.default())
    end
  end
end
