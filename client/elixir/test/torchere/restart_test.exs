# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.RestartTest do
  use ExUnit.Case, async: true
  @moduletag :server

  alias Torchere.{Error, RealServer}

  @flags [
    "--model=types=#{RealServer.data("types.pt")}",
    "--model=failing=#{RealServer.data("failing.pt")}"
  ]

  defp answer(client), do: Torchere.predict(client, "types", %{}, method: "no_arguments")

  # The first answer that is not :unavailable.
  defp when_back(client) do
    case answer(client) do
      {:error, %Error{code: :unavailable}} -> when_back(client)
      answer -> answer
    end
  end

  for signal <- ["KILL", "TERM"] do
    test "a server that ends by SIG#{signal} and comes again is found again" do
      {:ok, server} = start_supervised({RealServer, @flags}, restart: :temporary)
      target = RealServer.target(server)
      client = start_supervised!({Torchere, target: target})
      assert {:ok, %{outputs: %{"output" => 42}}} = answer(client)

      RealServer.stop(server, unquote(signal))
      assert {:error, %Error{code: :unavailable, model: "types"}} = answer(client)

      start_supervised!({RealServer, ["--listen=#{target}" | @flags]}, id: :again)
      assert {:ok, %{outputs: %{"output" => 42}}} = when_back(client)
    end
  end

  test "a call that runs while the server is killed ends with :unavailable" do
    {:ok, server} = start_supervised({RealServer, @flags}, restart: :temporary)
    client = start_supervised!({Torchere, target: RealServer.target(server)})

    run =
      Task.async(fn -> Torchere.predict(client, "failing", %{n: 1_000_000}, method: "spins") end)

    # The server takes calls in the order in which one connection brings them.
    in_flight(client)
    assert {:ok, _} = answer(client)
    RealServer.stop(server, "KILL")
    assert {:error, %Error{code: :unavailable, model: "failing"}} = Task.await(run, :infinity)
  end

  defp in_flight(client) do
    if map_size(:sys.get_state(client).streams) == 0, do: in_flight(client)
  end

  test "a server that ends by SIGTERM answers what it has taken" do
    {:ok, server} = start_supervised({RealServer, @flags}, restart: :temporary)
    client = start_supervised!({Torchere, target: RealServer.target(server)})
    run = Task.async(fn -> Torchere.predict(client, "failing", %{n: 5_000}, method: "spins") end)
    in_flight(client)
    assert {:ok, _} = answer(client)
    assert RealServer.stop(server, "TERM") == 0
    assert {:ok, %{outputs: %{"output" => _}}} = Task.await(run, :infinity)
  end

  test "calls that meet a server's end by SIGTERM are answered or :unavailable" do
    {:ok, server} = start_supervised({RealServer, @flags}, restart: :temporary)
    client = start_supervised!({Torchere, target: RealServer.target(server)})
    callers = for _ <- 1..32, do: Task.async(fn -> until_it_ends(client) end)
    in_flight(client)
    assert RealServer.stop(server, "TERM") == 0

    for error <- Task.await_many(callers, :infinity) do
      assert %Error{code: :unavailable} = error
    end
  end

  defp until_it_ends(client) do
    case answer(client) do
      {:ok, _} -> until_it_ends(client)
      {:error, error} -> error
    end
  end
end
