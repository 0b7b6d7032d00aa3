# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.RealServer do
  @moduledoc false
  # The server's binary, which the environment variable TORCHERE_SERVER names, on a free
  # port. It ends with the process that started it, whatever ends that.

  use GenServer

  @root Path.expand("../../../..", __DIR__)
  # ms. A server that is not ready by then never will be.
  @patience 120_000

  # Ends the server with the signal that it reads, or with SIGTERM when its input ends.
  @keeper ~S"""
  log=$1
  shift
  "$@" 2>"$log" &
  read -r signal
  kill -s "${signal:-TERM}" $!
  { wait $!; } 2>/dev/null
  """

  def data(name), do: Path.join([@root, "tests", "data", name])
  def models, do: Path.join(@root, "models")

  @doc "Starts it with `flags`, and waits until it serves."
  def start_link(flags), do: GenServer.start_link(__MODULE__, flags)

  def target(server), do: GenServer.call(server, :target)

  @doc "Ends it with a signal, and waits until it has gone; the status with which it did."
  def stop(server, signal), do: GenServer.call(server, {:stop, signal}, @patience)

  @impl GenServer
  def init(flags) do
    binary = System.fetch_env!("TORCHERE_SERVER") |> Path.expand()

    log =
      Path.join(System.tmp_dir!(), "torchere-server-#{System.unique_integer([:positive])}.log")

    flags =
      if Enum.any?(flags, &(&1 =~ "--listen")), do: flags, else: ["--listen=127.0.0.1:0" | flags]

    port =
      Port.open({:spawn_executable, "/bin/sh"}, [
        :binary,
        :exit_status,
        line: 4096,
        args: ["-c", @keeper, "keeper", log, binary | flags]
      ])

    receive do
      {^port, {:data, {:eol, line}}} ->
        [_, target] = Regex.run(~r/^torchere-server ready grpc=(\S+) models=\d+$/, line)
        {:ok, %{port: port, target: target, log: log}}

      {^port, {:exit_status, status}} ->
        {:stop, "the server ended with #{status}: #{File.read!(log)}"}
    after
      @patience -> {:stop, "the server is not ready: #{File.read!(log)}"}
    end
  end

  @impl GenServer
  def handle_call(:target, _from, state), do: {:reply, state.target, state}

  def handle_call({:stop, signal}, _from, %{port: port} = state) do
    Port.command(port, signal <> "\n")

    receive do
      {^port, {:exit_status, status}} -> {:stop, :normal, status, state}
    end
  end

  @impl GenServer
  def terminate(_reason, state), do: File.rm(state.log)
end
