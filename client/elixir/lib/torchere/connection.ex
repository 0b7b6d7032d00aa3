# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.Connection do
  @moduledoc false
  # A client's process: it owns the one HTTP/2 connection (Gun's) and every call on it.
  #
  # It stands in for the Gun adapter of grpc 1.0, whose callers wait for twice their
  # timeout, leave a process behind each time, are sent late when the server is back, and
  # get an error over the server's limit of streams. Here
  #
  #   - each call has a timer: its caller is answered in time whatever the server does;
  #   - a call is sent when the server's settings are known and it has a stream to spare;
  #     until then it waits, and it is given up where no connection comes about;
  #   - Gun never connects again by itself, so that nothing old is sent later.
  #
  # A stream is not reset at its deadline, nor at once where its answer is too large. The
  # server ends it about then, and when the end of its answer crosses the reset, Gun ends
  # the connection with all other calls ("HEADERS frame received on a stream in closed
  # state"). It keeps its place until it is answered; only one that is not, `linger` ms
  # later, is reset.

  use GenServer
  require Logger

  alias Torchere.{Error, PendingCall, Target}

  # ms
  @connect_timeout 5_000
  @keepalive 30_000
  @linger 30_000
  # What is lost sooner than this after it was made is not made again at once.
  @stable 1_000
  @shortest_pause 50
  @longest_pause 1_000
  # How long calls may go on after the server has said that it takes no more.
  @farewell :timer.minutes(5)
  @day :timer.hours(24)
  # bytes
  @max_response 64 * 1024 * 1024

  # gun       the connection for new calls, being made or up; nil in a pause
  # family    in which gun looks its host up: [:inet6], or [], which is IPv4's
  # limit     streams that the server takes; nil until its settings have come
  # up_since  when they came
  # failure   why there is no connection, while gun is nil
  # calls     by the monitor of their caller
  # streams   of the calls that were sent, on gun or on one that it replaced
  # waiting   calls not yet sent; some may have gone
  defstruct [
    :target,
    :timeout,
    :max_response_bytes,
    :linger,
    :gun,
    :family,
    :limit,
    :up_since,
    :failure,
    failures: 0,
    calls: %{},
    streams: %{},
    waiting: :queue.new()
  ]

  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(opts) do
    opts =
      Keyword.validate!(opts, [
        :name,
        target: "127.0.0.1:8500",
        timeout: 30_000,
        max_response_bytes: @max_response,
        linger: @linger
      ])

    state = %__MODULE__{
      target: Target.parse!(opts[:target]),
      timeout: checked_timeout(opts[:timeout]),
      max_response_bytes: checked_size(opts[:max_response_bytes]),
      linger: opts[:linger]
    }

    GenServer.start_link(__MODULE__, state, Keyword.take(opts, [:name]))
  end

  @doc "One call: `body` to `path`. Ends after `timeout` ms, or the client's, at the latest."
  @spec request(Torchere.client(), String.t(), iodata(), pos_integer() | nil) ::
          {:ok, PendingCall.answer()} | {:error, Error.t()}
  def request(client, path, body, timeout) do
    GenServer.call(client, {:request, path, body, timeout}, :infinity)
  catch
    # The rest of the exit holds the request.
    :exit, {reason, _call} ->
      {:error, unavailable("the client #{inspect(client)} is not running: #{inspect(reason)}")}
  end

  @spec checked_timeout(term()) :: pos_integer()
  def checked_timeout(timeout) when is_integer(timeout) and timeout in 1..@day, do: timeout

  def checked_timeout(timeout) do
    raise ArgumentError, "timeout: expected ms, 1 to #{@day}, got #{inspect(timeout)}"
  end

  defp checked_size(size) when is_integer(size) and size > 0, do: size

  defp checked_size(size) do
    raise ArgumentError, "max_response_bytes: expected bytes, 1 or more, got #{inspect(size)}"
  end

  @impl GenServer
  def init(state) do
    # Gun's process is linked: its end, however soon, comes as a message that says why.
    Process.flag(:trap_exit, true)
    {:ok, state, {:continue, :connect}}
  end

  @impl GenServer
  def handle_continue(:connect, state), do: {:noreply, connect(state)}

  @impl GenServer
  def handle_call({:request, _path, _body, _timeout}, _from, %{gun: nil} = state) do
    {:reply, {:error, unavailable(state.failure)}, state}
  end

  def handle_call({:request, path, body, timeout}, from, state) do
    call =
      PendingCall.start(from,
        path: path,
        body: body,
        timeout: timeout || state.timeout,
        linger: state.linger,
        max_response_bytes: state.max_response_bytes
      )

    state = put_in(state.calls[call.id], call)
    {:noreply, send_waiting(%{state | waiting: :queue.in(call.id, state.waiting)})}
  end

  @impl GenServer
  def handle_info({:gun_notify, gun, :settings_changed, settings}, %{gun: gun} = state) do
    limit = Map.get(settings, :max_concurrent_streams, :infinity)
    {:noreply, send_waiting(%{state | limit: limit, up_since: state.up_since || now()})}
  end

  def handle_info({:gun_response, _gun, stream, fin, status, headers}, state) do
    {:noreply, state |> add(stream, {:head, status, headers}) |> end_if(fin, stream)}
  end

  def handle_info({:gun_data, _gun, stream, fin, data}, state) do
    {:noreply, state |> add(stream, {:data, data}) |> end_if(fin, stream)}
  end

  def handle_info({:gun_trailers, _gun, stream, trailers}, state) do
    {:noreply, state |> add(stream, {:trailers, trailers}) |> end_if(:fin, stream)}
  end

  def handle_info({:gun_error, gun, stream, reason}, state) do
    {:noreply, stream_failed(state, gun, stream, reason)}
  end

  def handle_info({:deadline, id}, state), do: {:noreply, late(state, state.calls[id])}

  def handle_info({:connect_timeout, gun}, %{gun: gun, limit: nil} = state) do
    Process.unlink(gun)
    Process.exit(gun, :kill)
    {:noreply, lost(state, gun, "no answer of a gRPC server within #{@connect_timeout} ms")}
  end

  def handle_info(:reconnect, %{gun: nil} = state), do: {:noreply, connect(state)}

  # The name has no IPv4 address.
  def handle_info({:EXIT, gun, {:shutdown, :nxdomain}}, %{gun: gun, family: []} = state) do
    {:noreply, connect(state, [:inet6])}
  end

  def handle_info({:EXIT, gun, reason}, state), do: {:noreply, lost(state, gun, text(reason))}

  def handle_info({:DOWN, id, :process, _caller, _reason}, state) do
    {:noreply, abandon(state, state.calls[id])}
  end

  # Gun's news of a connection: what matters of it comes as settings, errors and its exit.
  def handle_info(_message, state), do: {:noreply, state}

  # Left alone, Gun would keep each connection until the server closes it, or for @farewell.
  @impl GenServer
  def terminate(_reason, state) do
    for gun <- [state.gun | Enum.map(Map.values(state.calls), & &1.gun)], gun != nil do
      Process.exit(gun, :kill)
    end
  end

  # Requests are not for the log. A callback of GenServer since Elixir 1.17.
  if Version.match?(System.version(), ">= 1.17.0"), do: @impl(GenServer)

  def format_status(status) do
    status
    |> Map.replace(:message, :hidden)
    |> Map.replace_lazy(:state, &Map.take(&1, [:target, :gun, :limit, :failure]))
  end

  # Connections

  defp connect(state, family \\ []) do
    {:ok, gun} = Target.open(state.target, options(family))
    Process.send_after(self(), {:connect_timeout, gun}, @connect_timeout)
    %{state | gun: gun, family: family}
  end

  # Gun looks a host's name up in one family alone.
  defp options(family) do
    %{
      protocols: [:http2],
      transport: :tcp,
      tcp_opts: family ++ [nodelay: true],
      retry: 0,
      supervise: false,
      http2_opts: %{
        notify_settings_changed: true,
        keepalive: @keepalive,
        keepalive_tolerance: 1,
        closing_timeout: @farewell
      }
    }
  end

  defp lost(state, gun, reason) do
    streams = for {stream, id} <- state.streams, state.calls[id].gun == gun, do: stream
    text = "the connection to #{state.target} was lost: #{reason}"
    state = Enum.reduce(streams, state, &end_call(&2, &1, {:error, unavailable(text)}))
    if gun == state.gun, do: replace(state, reason), else: send_waiting(state)
  end

  # The connection takes no more calls: another one, at once unless that fails again and again.
  defp replace(state, reason) do
    stable? = state.up_since != nil and now() - state.up_since >= @stable
    failures = if stable?, do: 0, else: state.failures + 1
    state = %{state | gun: nil, limit: nil, up_since: nil, failures: failures}
    if failures == 0, do: connect(state), else: pause(state, reason)
  end

  defp pause(state, reason) do
    pause = min(@shortest_pause * 2 ** min(state.failures - 1, 10), @longest_pause)
    Process.send_after(self(), :reconnect, pause + :rand.uniform(div(pause, 5)))
    failure = "no connection to #{state.target}: #{reason}"
    if state.failures == 1, do: Logger.warning("Torchere: #{failure}")

    state = %{state | failure: failure}
    waiting = for id <- :queue.to_list(state.waiting), Map.has_key?(state.calls, id), do: id
    error = {:error, unavailable(failure)}
    state = Enum.reduce(waiting, state, &end_waiting(&2, &1, error))
    %{state | waiting: :queue.new()}
  end

  # Calls

  defp send_waiting(%{limit: nil} = state), do: state

  # Any number is less than :infinity.
  defp send_waiting(state) when map_size(state.streams) < state.limit do
    case :queue.out(state.waiting) do
      {{:value, id}, waiting} -> send_waiting(send_call(%{state | waiting: waiting}, id))
      {:empty, _} -> state
    end
  end

  defp send_waiting(state), do: state

  defp send_call(state, id) do
    case state.calls do
      %{^id => call} ->
        call = PendingCall.post(call, state.gun)
        state = put_in(state.calls[id], call)
        put_in(state.streams[call.stream], id)

      _ ->
        state
    end
  end

  defp add(state, stream, part) do
    case state.streams do
      %{^stream => id} -> update_in(state.calls[id], &PendingCall.add(&1, part))
      _ -> state
    end
  end

  defp end_if(state, :nofin, _stream), do: state

  defp end_if(state, :fin, stream) do
    case state.streams do
      %{^stream => id} -> end_call(state, stream, {:ok, state.calls[id].answer})
      _ -> state
    end
    |> send_waiting()
  end

  # Calls that the server has not seen are sent again, on another connection.
  defp stream_failed(state, gun, stream, reason)
       when reason == :closing or elem(reason, 0) == :goaway do
    state = if gun == state.gun, do: replace(state, "it takes no more calls"), else: state

    {id, streams} = Map.pop(state.streams, stream)

    cond do
      id == nil ->
        state

      state.gun == nil or state.calls[id].from == nil ->
        state |> end_call(stream, {:error, unavailable(state.failure)}) |> send_waiting()

      true ->
        state = put_in(state.calls[id].stream, nil)
        send_waiting(%{state | streams: streams, waiting: :queue.in_r(id, state.waiting)})
    end
  end

  defp stream_failed(state, _gun, stream, {:stream_error, reason, _text}) do
    code = if reason in [:cancel, :refused_stream], do: :unavailable, else: :internal
    error = %Error{code: code, message: "the server reset the call: #{reason}"}
    state |> end_call(stream, {:error, error}) |> send_waiting()
  end

  defp stream_failed(state, _gun, stream, reason) do
    text = "the connection to #{state.target} was lost: #{text(reason)}"
    state |> end_call(stream, {:error, unavailable(text)}) |> send_waiting()
  end

  defp late(state, nil), do: state

  defp late(state, %{stream: nil} = call) do
    text = "not sent within #{call.timeout} ms: #{why_waiting(state)}"
    end_waiting(state, call.id, {:error, %Error{code: :deadline_exceeded, message: text}})
  end

  defp late(state, %{from: nil} = call) do
    :gun.cancel(call.gun, call.stream)
    state |> end_call(call.stream, nil) |> send_waiting()
  end

  defp late(state, call) do
    text = "no answer within #{call.timeout} ms"
    error = %Error{code: :deadline_exceeded, message: text}
    put_in(state.calls[call.id], PendingCall.fail(%{call | timer: nil}, error))
  end

  defp why_waiting(%{limit: nil} = state), do: "still connecting to #{state.target}"
  defp why_waiting(state), do: "the server takes #{state.limit} calls at a time"

  defp abandon(state, %{stream: nil} = call), do: end_waiting(state, call.id, nil)
  defp abandon(state, call), do: put_in(state.calls[call.id], PendingCall.abandon(call))

  defp end_call(state, stream, result) do
    case Map.pop(state.streams, stream) do
      {nil, _} -> state
      {id, streams} -> end_waiting(%{state | streams: streams}, id, result)
    end
  end

  defp end_waiting(state, id, result) do
    {call, calls} = Map.pop!(state.calls, id)
    PendingCall.finish(call, result)
    %{state | calls: calls}
  end

  defp unavailable(text), do: %Error{code: :unavailable, message: text}

  defp now, do: System.monotonic_time(:millisecond)

  defp text({:shutdown, reason}), do: text(reason)
  defp text({:error, reason}), do: text(reason)
  defp text({:closed, reason}), do: text(reason)
  defp text(reason) when reason in [:normal, :closed], do: "closed"
  defp text(reason) when is_atom(reason), do: reason |> :inet.format_error() |> to_string()
  defp text(reason), do: inspect(reason)
end
