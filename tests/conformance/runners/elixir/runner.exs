# SPDX-License-Identifier: Apache-2.0
# Runs the conformance cases through client/elixir: mix run runner.exs TARGET CASES_FOLDER

defmodule ConformanceRunner do
  alias Torchere.{Error, Tensor}

  @language "elixir"
  @types %{
    "BOOL" => :bool,
    "UINT8" => :u8,
    "INT8" => :s8,
    "INT16" => :s16,
    "INT32" => :s32,
    "INT64" => :s64,
    "FP16" => :f16,
    "BF16" => :bf16,
    "FP32" => :f32,
    "FP64" => :f64
  }
  @dtypes Map.new(@types, fn {dtype, type} -> {type, dtype} end)
  @sizes %{u8: 1, s8: 1, bool: 1, s16: 2, f16: 2, bf16: 2, s32: 4, f32: 4, s64: 8, f64: 8}
  @kinds ~w(predict status models signature)

  # ms
  @patience 30_000
  @pause 50

  def main([target, folder]) do
    {:ok, client} = Torchere.start_link(target: target)

    for path <- folder |> Path.join("*.json") |> Path.wildcard() |> Enum.sort(),
        test <- JSON.decode!(File.read!(path))["cases"],
        not is_map_key(test["impossible"] || %{}, @language) do
      answer = %{"file" => Path.basename(path, ".json"), "case" => test["name"]}

      case run_steps(client, Enum.with_index(test["steps"], 1)) do
        :ok -> print(Map.put(answer, "ok", true))
        {:error, detail} -> print(Map.merge(answer, %{"ok" => false, "detail" => detail}))
      end
    end
  end

  defp print(answer), do: IO.puts(JSON.encode!(answer))

  defp run_steps(_client, []), do: :ok

  defp run_steps(client, [{step, number} | rest]) do
    case run_step(client, step) do
      :ok -> run_steps(client, rest)
      {:error, text} -> {:error, one_line("step #{number}: #{text}")}
    end
  end

  defp run_step(_client, %{"server" => _} = step) do
    print(step)
    IO.gets("")
    :ok
  end

  defp run_step(client, %{"parallel" => steps}) do
    steps
    |> Enum.map(&Task.async(fn -> run_step(client, &1) end))
    |> Task.await_many(:infinity)
    |> Enum.find(:ok, &(&1 != :ok))
  end

  defp run_step(client, step) do
    kind = Enum.find(@kinds, &is_map_key(step, &1))
    expected = step["expect"]
    last_try = System.monotonic_time(:millisecond) + @patience

    case {answer(client, kind, step, last_try), expected} do
      {{:error, error}, %{"error" => expected}} -> check_error(error, expected)
      {{:ok, answer}, %{"error" => expected}} -> unexpected(expected, answer)
      {{:ok, answer}, expected} -> check(answer, expected(kind, expected))
      {{:error, error}, expected} -> unexpected(expected, Exception.message(error))
    end
  rescue
    error in ArgumentError -> {:error, "#{inspect(error)}"}
  end

  defp answer(client, kind, step, last_try) do
    with {:error, error} <- call(client, kind, step[kind]) do
      if code(error) == step["again_while"] and
           System.monotonic_time(:millisecond) < last_try do
        Process.sleep(@pause)
        answer(client, kind, step, last_try)
      else
        {:error, error}
      end
    end
  end

  # Calls, and how a case says what they must answer.

  defp call(client, "predict", call) do
    named = [
      method: "method",
      version: "version",
      label: "label",
      outputs: "outputs",
      timeout: "timeout_ms"
    ]

    opts = for {option, key} <- named, is_map_key(call, key), do: {option, call[key]}
    inputs = Map.new(call["inputs"], fn {name, value} -> {name, value(value)} end)

    with {:ok, prediction} <-
           Torchere.predict(client, call["model"], inputs, [tensors: :torchere] ++ opts) do
      {:ok, prediction.outputs}
    end
  end

  defp call(client, "status", %{"model" => model}) do
    with {:ok, status} <- Torchere.status(client, model) do
      {:ok, Map.new(status.versions, &{"#{&1.version}", upper(&1.state)})}
    end
  end

  defp call(client, "models", _call) do
    with {:ok, models} <- Torchere.models(client), do: {:ok, Enum.map(models, & &1.name)}
  end

  defp call(client, "signature", %{"model" => model}) do
    with {:ok, signature} <- Torchere.signature(client, model) do
      forward = Torchere.Signature.method(signature)
      {:ok, %{"inputs" => declared(forward.inputs), "outputs" => declared(forward.outputs)}}
    end
  end

  defp declared(values) do
    Map.new(values, &{&1.name, %{"dtype" => @dtypes[&1.dtype], "shape" => &1.shape}})
  end

  defp expected("predict", %{"outputs" => outputs}) do
    Map.new(outputs, fn {name, value} -> {name, value(value)} end)
  end

  defp expected("status", %{"states" => states}), do: states
  defp expected("models", %{"names" => names}), do: names
  defp expected("signature", signature), do: signature

  # Values

  defp value(%{"tensor" => %{"dtype" => dtype, "shape" => shape} = tensor}) do
    Tensor.new(@types[dtype], shape, bytes(tensor))
  end

  defp value(%{"text" => text}), do: text
  defp value(%{"int" => digits}), do: String.to_integer(digits)
  defp value(%{"float" => "nan"}), do: :nan
  defp value(%{"float" => "inf"}), do: :infinity
  defp value(%{"float" => "-inf"}), do: :neg_infinity
  defp value(%{"float" => "-0"}), do: -0.0
  defp value(%{"float" => number}), do: number / 1
  defp value(%{"bool" => bool}), do: bool
  defp value(%{"null" => _}), do: nil
  defp value(%{"list" => items}), do: Enum.map(items, &value/1)
  defp value(%{"map" => map}), do: Map.new(map, fn {key, item} -> {key, value(item)} end)

  defp value(%{"int_map" => map}) do
    Map.new(map, fn {key, item} -> {String.to_integer(key), value(item)} end)
  end

  defp bytes(%{"fill" => "count", "dtype" => dtype, "shape" => shape}) do
    size = Enum.product(shape) * @sizes[@types[dtype]]
    round = :binary.list_to_bin(Enum.to_list(0..250))
    binary_part(String.duplicate(round, div(size, 251) + 1), 0, size)
  end

  defp bytes(%{"data" => data}), do: Base.decode64!(data)

  # Comparing

  # By their bits: 0.0 is not -0.0, and 1 is not 1.0.
  defp check(answer, expected) do
    if bits(answer) == bits(expected), do: :ok, else: unexpected(expected, answer)
  end

  defp bits(term), do: :erlang.term_to_binary(term, [:deterministic])

  defp check_error(%Error{} = error, expected) do
    found = %{
      "code" => code(error),
      "reason" => error.reason,
      "model" => error.metadata["model"],
      "retry_after" => error.retry_after != nil
    }

    {parts, fields} = Map.pop(expected, "message", [])

    if Enum.all?(fields, fn {key, value} -> found[key] == value end) and
         Enum.all?(parts, &String.contains?(error.message, &1)) do
      :ok
    else
      unexpected(expected, "#{brief(found)}: #{error.message}")
    end
  end

  defp code(%Error{code: code}), do: upper(code)
  defp upper(atom), do: atom |> Atom.to_string() |> String.upcase()

  defp unexpected(expected, got), do: {:error, "expected #{brief(expected)}, got #{brief(got)}"}

  defp brief(text) when is_binary(text), do: text
  defp brief(term), do: inspect(term, limit: 20, printable_limit: 200)

  defp one_line(text), do: text |> String.split() |> Enum.join(" ")
end

# Standard output is for the answers.
:logger.set_primary_config(:level, :none)
ConformanceRunner.main(System.argv())
