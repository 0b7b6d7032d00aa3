# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.DeadlineTest do
  use ExUnit.Case, async: true
  @moduletag :server
  @moduletag :tmp_dir

  alias Torchere.{Error, RealServer, Tensor}

  @rounds 10
  @callers 64

  # A server with a model that runs until a file's first byte is not 0, one run at a time, so
  # that other models have a worker.
  setup %{tmp_dir: folder} do
    model = Path.join(folder, "hanging")
    File.mkdir_p!(Path.join(model, "1"))
    File.cp!(RealServer.data("hanging.pt"), Path.join([model, "1", "model.pt"]))
    File.write!(Path.join(model, "model.yaml"), "schema: 1\nlimits: {concurrency: 1}\n")
    gate = Path.join(folder, "gate")
    File.write!(gate, <<0, 0>>)

    types = "--model=types=#{RealServer.data("types.pt")}"
    server = start_supervised!({RealServer, ["--models=#{folder}", types, "--hang-after=off"]})
    client = start_supervised!({Torchere, target: RealServer.target(server)})
    %{client: client, server: server, gate: gate}
  end

  test "of 64 callers only those whose deadline passes fail, and the connection lives", context do
    %{client: client, gate: gate} = context
    assert Torchere.predict!(client, "types", %{}, method: "no_arguments")
    connection = :sys.get_state(client).gun

    for _ <- 1..@rounds do
      answers =
        1..@callers
        |> Enum.map(&Task.async(fn -> {&1, call(client, &1, gate)} end))
        |> Task.await_many(:infinity)

      for {caller, answer} <- answers do
        if late?(caller) do
          assert {:error, %Error{code: :deadline_exceeded, model: "hanging"}} = answer
        else
          assert {:ok, %{outputs: %{"output" => _}}} = answer
        end
      end
    end

    assert :sys.get_state(client).gun == connection
    open(gate)
  end

  defp late?(caller), do: rem(caller, 2) == 0

  # The deadlines are a few ms apart, so that the server's answers and the client's own timers
  # cross in every way; the others call again and again while they pass.
  defp call(client, caller, gate) do
    if late?(caller) do
      Torchere.predict(client, "hanging", %{path: gate}, method: "waits", timeout: 20 + caller)
    else
      tensor = Tensor.from_list(:f32, [[caller]])
      answers = for _ <- 1..20, do: Torchere.predict(client, "types", %{x: tensor})
      Enum.find(answers, List.last(answers), &match?({:error, _}, &1))
    end
  end

  # In place: the model has the file in its memory.
  defp open(gate) do
    {:ok, file} = :file.open(gate, [:read, :write, :raw])
    :ok = :file.pwrite(file, 0, <<1>>)
    :ok = :file.close(file)
  end

  test "calls that were late leave no process, and no call, behind", %{client: client, gate: gate} do
    before = length(Process.list())

    for _ <- 1..100 do
      assert {:error, %Error{code: :deadline_exceeded}} =
               Torchere.predict(client, "hanging", %{path: gate}, method: "waits", timeout: 1)
    end

    open(gate)
    # The one that runs is answered last of all.
    assert Torchere.predict!(client, "hanging", %{x: Tensor.from_list(:f32, [1])},
             timeout: 60_000
           )

    assert length(Process.list()) < before + 50
  end

  test "a caller that goes as its time ends leaves its stream to the server", context do
    %{client: client, gate: gate} = context

    caller =
      spawn(fn ->
        Torchere.predict(client, "hanging", %{path: gate}, method: "waits", timeout: 60_000)
      end)

    [id] = await(fn -> Map.values(:sys.get_state(client).streams) end)
    # Both are there before the client's process looks.
    :sys.suspend(client)
    monitor = Process.monitor(caller)
    Process.exit(caller, :kill)
    assert_receive {:DOWN, ^monitor, :process, _pid, :killed}
    send(client, {:deadline, id})
    :sys.resume(client)

    assert Map.values(:sys.get_state(client).streams) == [id]
    open(gate)
    assert [] = await(fn -> Map.values(:sys.get_state(client).streams) end, &(&1 == []))
  end

  # What `look` gives once that is `wanted`.
  defp await(look, wanted \\ &(&1 != [])) do
    value = look.()
    if wanted.(value), do: value, else: await(look, wanted)
  end
end
