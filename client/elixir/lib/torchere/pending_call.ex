# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.PendingCall do
  @moduledoc false
  # One call that a client's process has taken on and not yet ended: who waits for it, until
  # when, and what has come of its answer. All of it runs in that process.

  alias Torchere.Error

  # What stands before the message in an answer's data, in bytes.
  @frame_head 5

  @user_agent "torchere-elixir/#{Mix.Project.config()[:version]}"

  # id        the monitor of its caller
  # from      its caller; nil when that was answered or has gone
  # deadline  by the clock of now/0
  # timer     of the next {:deadline, id} that the process gets; nil once that has come
  # gun       the connection that it was last sent on
  # stream    nil while it waits to be sent
  # size      of the answer's data so far, in bytes
  defstruct [
    :id,
    :from,
    :path,
    :body,
    :timeout,
    :linger,
    :max_response_bytes,
    :deadline,
    :timer,
    :gun,
    :stream,
    :answer,
    size: 0
  ]

  @type t :: %__MODULE__{}

  @typedoc "What came back: `trailers` is nil where the headers were all."
  @type answer :: %{
          status: pos_integer(),
          headers: [{binary(), binary()}],
          body: iodata(),
          trailers: [{binary(), binary()}] | nil
        }

  @doc "Begins to watch the caller and the time."
  @spec start(GenServer.from(), keyword()) :: t()
  def start({caller, _tag} = from, fields) do
    call = struct!(__MODULE__, [id: Process.monitor(caller), from: from] ++ fields)
    timer = Process.send_after(self(), {:deadline, call.id}, call.timeout)
    %{call | deadline: now() + call.timeout, timer: timer}
  end

  @spec post(t(), pid()) :: t()
  def post(call, gun) do
    headers = [
      {"content-type", "application/grpc"},
      {"te", "trailers"},
      {"user-agent", @user_agent},
      {"grpc-timeout", "#{max(call.deadline - now(), 1)}m"}
    ]

    %{call | gun: gun, stream: :gun.post(gun, call.path, headers, call.body)}
  end

  @doc "Adds a part of the answer. One that becomes too large ends the call for its caller."
  @spec add(t(), {:head, pos_integer(), list()} | {:data, binary()} | {:trailers, list()}) :: t()
  def add(call, {:head, status, headers}) do
    %{call | answer: %{status: status, headers: headers, body: [], trailers: nil}}
  end

  # Nobody reads what comes for an abandoned call.
  def add(%{from: nil} = call, {:data, _data}), do: call

  def add(call, {:data, data}) do
    size = call.size + byte_size(data)

    if size <= call.max_response_bytes + @frame_head do
      %{update_in(call.answer.body, &[&1, data]) | size: size}
    else
      text = "the answer is larger than max_response_bytes, #{call.max_response_bytes}"
      fail(call, %Error{code: :resource_exhausted, message: text})
    end
  end

  def add(call, {:trailers, trailers}), do: put_in(call.answer.trailers, trailers)

  @doc "Answers the caller of a call that was sent, while its stream goes on."
  @spec fail(t(), Error.t()) :: t()
  def fail(call, error) do
    GenServer.reply(call.from, {:error, error})
    abandon(%{call | deadline: now()})
  end

  @doc "The caller has gone or was answered; the stream is the server's to end."
  @spec abandon(t()) :: t()
  def abandon(call) do
    stop_timer(call)
    left = max(call.deadline - now(), 0)
    timer = Process.send_after(self(), {:deadline, call.id}, left + call.linger)
    answer = call.answer && %{call.answer | body: []}
    %{call | from: nil, body: nil, answer: answer, timer: timer}
  end

  @doc "Watches no more, and gives the result, unless it is nil, to a caller that still waits."
  @spec finish(t(), {:ok, answer()} | {:error, Error.t()} | nil) :: :ok
  def finish(call, result) do
    Process.cancel_timer(call.timer)
    Process.demonitor(call.id, [:flush])
    if call.from && result, do: GenServer.reply(call.from, result)
    :ok
  end

  defp stop_timer(%{timer: nil}), do: nil

  # One that has fired already would be taken for the next.
  defp stop_timer(%{id: id, timer: timer}) do
    Process.cancel_timer(timer)

    receive do
      {:deadline, ^id} -> :ok
    after
      0 -> :ok
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
