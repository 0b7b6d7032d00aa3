# SPDX-License-Identifier: Apache-2.0
defmodule Digits.Sorter do
  @moduledoc """
  Moves scanned digits (`*.npy`) out of the inbox into its folders `0` to `9`, by what they
  show, and what is no digit into `unreadable`. What cannot be read, asked for or moved now,
  because the server is away, full or without the model, say, stays for the next round.
  """

  use GenServer
  require Logger

  # ms
  @pause 1_000

  @spec start_link(Path.t()) :: GenServer.on_start()
  def start_link(inbox), do: GenServer.start_link(__MODULE__, inbox, name: __MODULE__)

  @doc "One round, now. How many files were moved."
  @spec sort() :: non_neg_integer()
  def sort, do: GenServer.call(__MODULE__, :sort, :infinity)

  @impl GenServer
  def init(inbox) do
    File.mkdir_p!(inbox)
    {:ok, inbox, {:continue, :sort}}
  end

  @impl GenServer
  def handle_continue(:sort, inbox) do
    sort_inbox(inbox)
    Process.send_after(self(), :sort, @pause)
    {:noreply, inbox}
  end

  @impl GenServer
  def handle_info(:sort, inbox), do: handle_continue(:sort, inbox)

  @impl GenServer
  def handle_call(:sort, _from, inbox), do: {:reply, sort_inbox(inbox), inbox}

  defp sort_inbox(inbox) do
    files = Path.wildcard(Path.join(inbox, "*.npy"))

    Digits.Tasks
    |> Task.Supervisor.async_stream_nolink(files, &Digits.read/1,
      max_concurrency: 16,
      timeout: :infinity
    )
    |> Enum.zip(files)
    |> Enum.count(fn {{:ok, result}, file} -> settle(result, file, inbox) end)
  end

  defp settle({:ok, digit, probability}, file, inbox) do
    Logger.info("#{Path.basename(file)} shows #{digit} (#{round(probability * 100)} %)")
    move(file, Path.join(inbox, "#{digit}"))
  end

  defp settle({:error, %ArgumentError{} = error}, file, inbox), do: set_aside(error, file, inbox)

  defp settle({:error, %Torchere.Error{code: :invalid_argument} = error}, file, inbox),
    do: set_aside(error, file, inbox)

  defp settle({:error, error}, file, _inbox), do: leave(file, Exception.message(error))

  defp set_aside(error, file, inbox) do
    Logger.error("#{Path.basename(file)} shows no digit: #{Exception.message(error)}")
    move(file, Path.join(inbox, "unreadable"))
  end

  defp move(file, folder) do
    with :ok <- File.mkdir_p(folder),
         :ok <- File.rename(file, Path.join(folder, Path.basename(file))) do
      true
    else
      {:error, reason} -> leave(file, "it cannot be moved: #{:file.format_error(reason)}")
    end
  end

  defp leave(file, reason) do
    Logger.warning("#{Path.basename(file)} stays: #{reason}")
    false
  end
end
