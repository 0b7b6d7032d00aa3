# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.TensorTest do
  use ExUnit.Case, async: true
  doctest Torchere.Tensor

  alias Torchere.{Error, Tensor, V1}

  test "integers and bools of each type come back from their bytes" do
    for {type, items} <- [
          bool: [true, false],
          u8: [0, 255],
          s8: [-128, 127],
          s16: [-0x8000, 0x7FFF],
          s32: [-0x80000000, 0x7FFFFFFF],
          s64: [-0x8000000000000000, 0x7FFFFFFFFFFFFFFF]
        ] do
      assert type |> Tensor.from_list(items) |> Tensor.to_list() == items
    end
  end

  test "floats of each type come back from their bytes, those that are no numbers too" do
    for type <- [:f16, :bf16, :f32, :f64] do
      items = [1.0, -0.5, 0.0, :nan, :infinity, :neg_infinity]
      assert type |> Tensor.from_list(items) |> Tensor.to_list() == items
    end
  end

  test "items are little-endian" do
    assert Tensor.from_list(:s16, [1]).data == <<1, 0>>
    assert Tensor.from_list(:f32, [1]).data == <<0, 0, 0x80, 0x3F>>
  end

  test "a bf16 is rounded to the nearest, and to even from the middle" do
    for {bits, expected} <- [
          {0x3F808000, 0x3F80},
          {0x3F808001, 0x3F81},
          {0x3F818000, 0x3F82},
          {0x3F807FFF, 0x3F80}
        ] do
      <<item::float-32>> = <<bits::32>>
      assert <<^expected::16-little>> = Tensor.from_list(:bf16, [item]).data
    end
  end

  test "nested lists keep their shape" do
    list = [[[1, 2], [3, 4], [5, 6]]]
    tensor = Tensor.from_list(:s64, list)
    assert tensor.shape == [1, 3, 2]
    assert Tensor.to_list(tensor) == list
    assert Tensor.to_list(Tensor.from_list(:f32, 2)) == 2.0
  end

  test "lists without items keep their shape" do
    for {list, shape} <- [{[], [0]}, {[[], []], [2, 0]}, {[[[], []]], [1, 2, 0]}] do
      tensor = Tensor.from_list(:f32, list)
      assert tensor.shape == shape
      assert Tensor.to_list(tensor) == list
    end

    assert Tensor.to_list(Tensor.new(:f32, [0, 3], "")) == []
    assert Tensor.to_list(Tensor.new(:f32, [2, 0, 3], "")) == [[], []]
  end

  test "lists that differ in length or depth are refused" do
    for list <- [[[1], [2, 3]], [[1], 2], [1, [2]], [[], [1]]] do
      assert_raise ArgumentError, ~r/differ/, fn -> Tensor.from_list(:s64, list) end
    end
  end

  test "items that do not fit are refused" do
    for {type, item} <- [
          {:u8, 256},
          {:s8, -129},
          {:bool, 1},
          {:s64, 1.0},
          {:f32, true},
          {:f32, "1"},
          {:f32, nil},
          {:f32, {1}},
          {:bf16, :nano}
        ] do
      for list <- [item, [item]] do
        assert_raise ArgumentError, ~r/cannot hold/, fn -> Tensor.from_list(type, list) end
      end
    end

    for type <- [:f16, :bf16, :f32, :f64] do
      assert_raise ArgumentError, fn -> Tensor.from_list(type, [10 ** 400]) end
    end
  end

  test "what is no type, no shape or no data is refused" do
    for {type, shape, data, text} <- [
          {:f8, [1], <<0>>, "unknown type :f8; known are bool, u8"},
          {:u8, {1}, <<0>>, "shape: expected a proper list"},
          {:u8, [:one], <<0>>, "shape: expected an integer"},
          {:u8, [0, 2 ** 64], "", "shape: expected an integer"},
          {:u8, [-1, -1], <<0>>, "shape: [-1, -1] has a negative length"},
          {:u8, [1], 0, "data: expected a binary"}
        ] do
      error = assert_raise ArgumentError, fn -> Tensor.new(type, shape, data) end
      assert Exception.message(error) =~ "tensor: " <> text
    end

    assert_raise ArgumentError, ~r/unknown type :f8/, fn -> Tensor.from_list(:f8, [1]) end
  end

  test "improper lists are refused" do
    for list <- [[1 | 2], [[1, 2], [1 | 2]], [[1 | 2], [1, 2]], [[1], [2] | 3]] do
      assert_raise ArgumentError, ~r/proper|differ/, fn -> Tensor.from_list(:s64, list) end
    end
  end

  test "bytes that are more or fewer than the shape says are refused" do
    assert Tensor.new(:f32, [0, 3], "").shape == [0, 3]

    for {shape, data} <- [{[2], <<0::32>>}, {[], ""}] do
      assert_raise ArgumentError, ~r/bytes, got/, fn -> Tensor.new(:f32, shape, data) end
    end
  end

  test "an answer that cannot be a tensor is an error" do
    short = %V1.Tensor{dtype: :DATA_TYPE_FP32, shape: [2], data: <<0::32>>}

    assert_raise Error, ~r/^INTERNAL \(LENGTH_MISMATCH\)/, fn ->
      Tensor.from_wire(short, "output", :torchere)
    end

    assert_raise Error, ~r/^INTERNAL \(UNKNOWN_DTYPE\)/, fn ->
      Tensor.from_wire(%{short | dtype: 77}, "output", :torchere)
    end
  end
end
