# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.ServerTest do
  use ExUnit.Case, async: true
  @moduletag :server

  alias Torchere.{Error, RealServer, Signature, Tensor}

  setup_all do
    models =
      for name <- ~w(types failing unseen),
          do: "--model=#{name}=#{RealServer.data(name <> ".pt")}"

    server = start_supervised!({RealServer, ["--models=#{RealServer.models()}" | models]})
    target = RealServer.target(server)
    %{target: target, client: start_supervised!({Torchere, target: target})}
  end

  # A scanned digit: a .npy file's items stand behind its header.
  defp digit(name) do
    file = File.read!(Path.join([RealServer.models(), "digits", "samples", name]))
    <<"\x93NUMPY", 1, 0, length::16-little, _header::binary-size(length), items::binary>> = file
    Tensor.new(:f32, [1, 1, 8, 8], items)
  end

  defp echo(client, method, value) do
    answer = Torchere.predict!(client, "types", %{x: value}, method: method, tensors: :torchere)
    answer.outputs
  end

  test "a digit is read", %{client: client} do
    inputs = %{"pixels" => digit("digit_1228_is_5.npy")}

    {:ok, answer} =
      Torchere.predict(client, "digits", inputs, request_id: "mine", tensors: :torchere)

    assert %{"probabilities" => %Tensor{type: :f32, shape: [1, 10]} = tensor} = answer.outputs
    [probabilities] = Tensor.to_list(tensor)
    assert Enum.find_index(probabilities, &(&1 == Enum.max(probabilities))) == 5
    assert %{name: "digits", version: 1, method: "forward", digest: "sha256:" <> _} = answer.model
    assert answer.request_id == "mine"
    assert answer.timing.compute in 1..answer.timing.total
  end

  if Code.ensure_loaded?(Nx) do
    test "the first example of the README runs", %{target: target} do
      readme = File.read!(Path.expand("../../README.md", __DIR__))
      [_, example | _] = String.split(readme, ~r/^```(elixir)?$/m)
      assert example =~ "127.0.0.1:8500"
      {answer, _} = example |> String.replace("127.0.0.1:8500", target) |> Code.eval_string()
      assert Nx.shape(answer) == {1, 10}
    end

    test "Nx tensors go in and come out", %{client: client} do
      x = Nx.tensor([[1.5, 2.5]])
      assert %{outputs: %{"output" => back}} = Torchere.predict!(client, "types", %{x: x})
      assert Nx.to_binary(back) == Nx.to_binary(x)
      assert Nx.shape(back) == {1, 2}
    end
  end

  test "tensors of each type and rank come back bit-equal", %{client: client} do
    for type <- [:bool, :u8, :s8, :s16, :s32, :s64, :f16, :bf16, :f32, :f64],
        list <- [1, [], [[], []], [[0, 1, 1], [1, 0, 1]]] do
      bool = fn list, bool ->
        if is_list(list), do: Enum.map(list, &bool.(&1, bool)), else: list == 1
      end

      tensor = Tensor.from_list(type, if(type == :bool, do: bool.(list, bool), else: list))
      assert echo(client, "echo", tensor) == %{"output" => tensor}
    end
  end

  test "a tensor of 8 MB comes back bit-equal", %{client: client} do
    tensor = Tensor.new(:u8, [8_000_000], :crypto.strong_rand_bytes(8_000_000))
    assert echo(client, "echo", tensor) == %{"output" => tensor}
  end

  test "values of each kind come back equal", %{client: client} do
    for {method, value} <- [
          {"echo_text", "grüß 🙂 \0 end"},
          {"echo_int", -0x8000000000000000},
          {"echo_float", 0.1},
          {"echo_float", :nan},
          {"echo_float", :neg_infinity},
          {"echo_bool", false},
          {"echo_optional_int", nil},
          {"echo_optional_ints", [1, -2]},
          {"echo_texts", ["a", "", "ü"]},
          {"echo_pairs", [[1, "a"], [2, "b"]]},
          {"echo_deep", [%{"a" => [1, 2], "b" => []}, %{}]},
          {"echo_float_map", %{3 => 0.5, -1 => 2.0}}
        ] do
      assert echo(client, method, value) == %{"output" => value}
    end
  end

  test "tuples, named tuples and dicts are outputs by name", %{client: client} do
    assert echo(client, "echo_pair", {7, "seven"}) == %{"output_0" => 7, "output_1" => "seven"}
    assert echo(client, "echo_point", %{x: 1.5, y: -2.0}) == %{"x" => 1.5, "y" => -2.0}
    assert echo(client, "echo_text_map", %{"k" => "v"}) == %{"k" => "v"}
  end

  test "outputs, version, label and priority are asked for", %{client: client} do
    inputs = %{features: Tensor.from_list(:f32, [List.duplicate(0.5, 13)])}

    {:ok, answer} =
      Torchere.predict(client, "wine", inputs, outputs: ["label"], version: 1, priority: 3)

    assert Map.keys(answer.outputs) == ["label"]

    assert {:error, %Error{code: :not_found, reason: "LABEL_NOT_FOUND"}} =
             Torchere.predict(client, "wine", inputs, label: "canary")
  end

  test "errors have their code, reason, model and metadata", %{client: client} do
    pixels = Tensor.from_list(:f32, [[[[1]]]])

    for {model, inputs, opts, code, reason} <- [
          {"digit", %{}, [], :not_found, "MODEL_NOT_FOUND"},
          {"digits", %{}, [version: 7], :not_found, "VERSION_NOT_FOUND"},
          {"digits", %{}, [method: "no"], :not_found, "METHOD_NOT_FOUND"},
          {"digits", %{}, [], :invalid_argument, "MISSING_INPUT"},
          {"digits", %{pixels: "text"}, [], :invalid_argument, "TYPE_MISMATCH"},
          {"digits", %{pixels: pixels}, [], :invalid_argument, "SHAPE_MISMATCH"},
          {"failing", %{x: pixels}, [method: "raises"], :invalid_argument, "MODEL_REJECTED"},
          {"failing", %{}, [method: "returns_device"], :internal, "UNSUPPORTED_OUTPUT"},
          {"failing", %{elements: 2 ** 60}, [method: "allocates"], :resource_exhausted,
           "OUT_OF_MEMORY"}
        ] do
      assert {:error, error} = Torchere.predict(client, model, inputs, opts)
      assert {error.code, error.reason, error.model} == {code, reason, model}
      assert error.metadata["model"] == model
      assert_raise Error, fn -> Torchere.predict!(client, model, inputs, opts) end
    end
  end

  test "wrong arguments are refused before anything is sent", %{client: client} do
    for {arguments, text} <- [
          {["digits", %{}, [version: 1, label: "a"]], "not both"},
          {["digits", %{}, [timeout: 0]], "timeout: expected ms"},
          {["digits", %{}, [timeout: :infinity]], "timeout: expected ms"},
          {["digits", %{}, [tensors: :numpy]], "tensors: expected"},
          {["digits", %{}, [no_such: 1]], "no_such"},
          {[:digits, %{}, []], "model: expected text"},
          {["digits", %{}, [outputs: [1]]], "outputs: expected text"},
          {["digits", %{}, [priority: 2 ** 31]], "priority: expected"}
        ] do
      error =
        assert_raise ArgumentError, fn -> apply(Torchere, :predict, [client | arguments]) end

      assert Exception.message(error) =~ text
    end
  end

  test "status and models tell how the models are", %{client: client} do
    assert {:ok, %{name: "digits", versions: [version]} = status} =
             Torchere.status(client, "digits")

    assert Torchere.status!(client, "digits", version: 1) == status
    assert %{version: 1, state: :available, error: nil, device: "cpu", labels: []} = version
    assert version.load_time > 0
    assert %DateTime{} = version.state_since
    assert {:error, %Error{code: :not_found}} = Torchere.status(client, "digit")

    names = for model <- Torchere.models!(client), do: model.name
    assert names == ~w(digits failing types unseen wine)
  end

  test "signature tells how a model is called", %{client: client} do
    {:ok, signature} = Torchere.signature(client, "digits")

    assert %{inputs: [pixels], outputs: [probabilities], batched: true} =
             Signature.method(signature)

    assert %{name: "pixels", type: "Tensor", dtype: :f32, shape: [-1, 1, 8, 8]} = pixels
    assert probabilities.labels == ~w(0 1 2 3 4 5 6 7 8 9)
    assert Signature.method(signature, "no") == nil

    %{inputs: [_signals, top]} = client |> Torchere.signature!("unseen") |> Signature.method()
    assert %{name: "top", dtype: nil, shape: nil, has_default: true, default: 2} = top
    assert {:error, %Error{code: :not_found, model: "no"}} = Torchere.signature(client, "no")
  end
end
