# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.ConnectionTest do
  use ExUnit.Case, async: true

  alias Torchere.{Error, FakeServer}

  # A call that is to wait for something else than its deadline.
  @long 60_000

  defp client(target, opts \\ []), do: start_supervised!({Torchere, [target: target] ++ opts})

  defp call(client, timeout), do: Task.async(fn -> Torchere.models(client, timeout: timeout) end)

  # The codes of gRPC by which a test knows the fake server's answers.
  @aborted 10
  @out_of_range 11

  # A client of a fake server that takes so many streams, after one call that was refused: from
  # then on a call is sent at once.
  defp connected(opts \\ [], limit \\ 100) do
    {listener, target} = FakeServer.listen()
    client = client(target, opts)
    socket = FakeServer.welcome(listener, limit)
    call = call(client, @long)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @aborted)
    {:error, %Error{code: :aborted}} = Task.await(call, @long)
    {client, listener, socket}
  end

  # Waits until something is true of the client's calls.
  defp wait_for(client, true?) do
    if not true?.(Map.values(:sys.get_state(client).calls)), do: wait_for(client, true?)
  end

  test "a call waits for the connection to be made" do
    {listener, target} = FakeServer.listen()
    call = target |> client() |> call(@long)
    socket = FakeServer.welcome(listener)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @aborted)
    assert {:error, %Error{code: :aborted}} = Task.await(call, @long)
  end

  test "a call that no server answers ends at its deadline, and others go on" do
    {client, _listener, socket} = connected()
    silent = call(client, 1)
    stream = FakeServer.next_call(socket)
    assert {:error, %Error{code: :deadline_exceeded} = error} = Task.await(silent, @long)
    assert error.message == "no answer within 1 ms"

    other = call(client, @long)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @aborted)
    assert {:error, %Error{code: :aborted}} = Task.await(other, @long)

    # What comes after all is nobody's, and harms nothing.
    FakeServer.refuse(socket, stream, @aborted)
    other = call(client, @long)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @out_of_range)
    assert {:error, %Error{code: :out_of_range}} = Task.await(other, @long)
  end

  test "a call to what is no gRPC server ends at its deadline" do
    {listener, target} = FakeServer.listen()
    call = target |> client() |> call(1)
    assert {:error, %Error{code: :deadline_exceeded} = error} = Task.await(call, @long)
    assert error.message == "not sent within 1 ms: still connecting to #{target}"
    :gen_tcp.close(listener)
  end

  test "a connection on which no gRPC server speaks up is given up" do
    {listener, target} = FakeServer.listen()
    client = client(target)
    socket = FakeServer.accept(listener)
    {:ok, "PRI" <> _} = :gen_tcp.recv(socket, 0, @long)
    call = call(client, @long)
    wait_for(client, &(&1 != []))
    # As if the time for it had passed.
    send(client, {:connect_timeout, :sys.get_state(client).gun})
    assert {:error, %Error{code: :unavailable} = error} = Task.await(call, @long)

    assert error.message ==
             "no connection to #{target}: no answer of a gRPC server within 5000 ms"

    assert {:error, :closed} = :gen_tcp.recv(socket, 0, @long)
  end

  test "a stream that is never answered is reset in the end" do
    {client, _listener, socket} = connected(linger: 1)
    silent = call(client, 1)
    stream = FakeServer.next_call(socket)
    assert {:error, %Error{code: :deadline_exceeded}} = Task.await(silent, @long)
    assert {:data, ^stream, _} = FakeServer.next_frame(socket)
    assert {:reset, ^stream, _} = FakeServer.next_frame(socket)
    assert %{calls: calls, streams: streams} = :sys.get_state(client)
    assert {calls, streams} == {%{}, %{}}
  end

  test "a caller that dies leaves nothing behind" do
    {client, _listener, socket} = connected()
    caller = spawn(fn -> Torchere.models(client, timeout: @long) end)
    stream = FakeServer.next_call(socket)
    Process.exit(caller, :kill)
    wait_for(client, &match?([%{from: nil, body: nil}], &1))
    FakeServer.refuse(socket, stream, @aborted)
    wait_for(client, &(&1 == []))
    assert :sys.get_state(client).streams == %{}
  end

  test "calls over the server's limit of streams wait for one that ends" do
    {client, _listener, socket} = connected([], 1)
    first = call(client, @long)
    stream = FakeServer.next_call(socket)

    late = call(client, 1)
    assert {:error, %Error{code: :deadline_exceeded} = error} = Task.await(late, @long)
    assert error.message == "not sent within 1 ms: the server takes 1 calls at a time"

    second = call(client, @long)
    FakeServer.refuse(socket, stream, @aborted)
    assert {:error, %Error{code: :aborted}} = Task.await(first, @long)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @out_of_range)
    assert {:error, %Error{code: :out_of_range}} = Task.await(second, @long)
  end

  test "calls in flight end with :unavailable when the connection is lost" do
    {client, _listener, socket} = connected()
    call = call(client, @long)
    FakeServer.next_call(socket)
    :gen_tcp.close(socket)
    assert {:error, %Error{code: :unavailable} = error} = Task.await(call, @long)
    assert error.message =~ ~r/^the connection to 127\.0\.0\.1:\d+ was lost: /
  end

  test "a call ends at once with :unavailable while nobody listens" do
    {listener, target} = FakeServer.listen()
    :gen_tcp.close(listener)
    client = client(target)
    assert {:error, %Error{code: :unavailable} = error} = Torchere.models(client, timeout: @long)
    assert error.message == "no connection to #{target}: connection refused"
    assert {:error, %Error{code: :unavailable}} = Torchere.models(client, timeout: @long)
  end

  test "the client connects by itself once somebody listens" do
    {listener, target} = FakeServer.listen()
    :gen_tcp.close(listener)
    client = client(target)
    assert {:error, %Error{code: :unavailable}} = Torchere.models(client)

    [_, port] = String.split(target, ":")
    {listener, ^target} = FakeServer.listen(String.to_integer(port))
    socket = FakeServer.welcome(listener)
    call = call(client, @long)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @aborted)
    assert {:error, %Error{code: :aborted}} = Task.await(call, @long)
  end

  test "a call that the leaving server has not seen is sent to the next" do
    {client, listener, socket} = connected()
    seen = call(client, @long)
    stream = FakeServer.next_call(socket)
    unseen = call(client, @long)
    FakeServer.next_call(socket)
    stable(client)
    FakeServer.goaway(socket, stream)

    other = FakeServer.welcome(listener)
    FakeServer.refuse(other, FakeServer.next_call(other), @out_of_range)
    assert {:error, %Error{code: :out_of_range}} = Task.await(unseen, @long)

    FakeServer.refuse(socket, stream, @aborted)
    assert {:error, %Error{code: :aborted}} = Task.await(seen, @long)
  end

  # As if the connection were long up.
  defp stable(client), do: :sys.replace_state(client, &%{&1 | up_since: &1.up_since - @long})

  test "a call that the server resets is an error of this call alone" do
    {client, _listener, socket} = connected()

    for {number, code, name} <- [{2, :internal, "internal_error"}, {8, :unavailable, "cancel"}] do
      call = call(client, @long)
      FakeServer.reset(socket, FakeServer.next_call(socket), number)
      assert {:error, %Error{code: ^code} = error} = Task.await(call, @long)
      assert error.message == "the server reset the call: #{name}"
    end

    other = call(client, @long)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @aborted)
    assert {:error, %Error{code: :aborted}} = Task.await(other, @long)
  end

  test "an answer that is too large ends its own call alone, and is not kept" do
    {client, _listener, socket} = connected(max_response_bytes: 20_000, linger: @long)
    call = call(client, @long)
    stream = FakeServer.next_call(socket)
    FakeServer.answer_bytes(socket, stream, <<0, 20_001::32, 0::size(20_001)-unit(8)>>)
    assert {:error, %Error{code: :resource_exhausted} = error} = Task.await(call, @long)
    assert error.message == "the answer is larger than max_response_bytes, 20000"
    assert [%{answer: %{body: []}}] = Map.values(:sys.get_state(client).calls)

    FakeServer.finish(socket, stream, 0)
    other = call(client, @long)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @aborted)
    assert {:error, %Error{code: :aborted}} = Task.await(other, @long)
  end

  test "an answer that is too large and does not end is reset" do
    {client, _listener, socket} = connected(max_response_bytes: 1, linger: 1)
    call = call(client, @long)
    stream = FakeServer.next_call(socket)
    FakeServer.answer_bytes(socket, stream, <<0, 2::32, 0, 0>>)
    assert {:error, %Error{code: :resource_exhausted}} = Task.await(call, @long)
    assert next_reset(socket) == stream
  end

  defp next_reset(socket) do
    case FakeServer.next_frame(socket) do
      {:reset, stream, _} -> stream
      _ -> next_reset(socket)
    end
  end

  test "an answer as large as is allowed is taken" do
    {client, _listener, socket} = connected(max_response_bytes: 20_000)
    call = call(client, @long)
    stream = FakeServer.next_call(socket)
    # Field 77, of 19,995 bytes: nothing that this client knows.
    message = <<0xEA, 0x04, 0x9B, 0x9C, 0x01, 0::size(19_995)-unit(8)>>
    FakeServer.answer_bytes(socket, stream, <<0, 20_000::32, message::binary>>)
    FakeServer.finish(socket, stream, 0)
    assert Task.await(call, @long) == {:ok, []}
  end

  test "a client that is stopped closes its connections" do
    {client, listener, socket} = connected()
    seen = call(client, @long)
    stream = FakeServer.next_call(socket)
    stable(client)
    FakeServer.goaway(socket, stream)
    unseen = call(client, @long)
    other = FakeServer.welcome(listener)
    FakeServer.next_call(other)

    guns = for call <- Map.values(:sys.get_state(client).calls), do: Process.monitor(call.gun)
    GenServer.stop(client)
    for gun <- guns, do: assert_receive({:DOWN, ^gun, :process, _, _}, @long)
    assert closed?(socket) and closed?(other)

    for call <- [seen, unseen] do
      assert {:error, %Error{code: :unavailable}} = Task.await(call, @long)
    end
  end

  defp closed?(socket) do
    case :gen_tcp.recv(socket, 0, @long) do
      {:ok, _} -> closed?(socket)
      {:error, reason} -> reason in [:closed, :econnreset]
    end
  end

  @tag :ipv6
  test "a host with an IPv6 address alone is found" do
    name = ~c"v6only.torchere.test"
    lookup = :inet_db.res_option(:lookup)
    :inet_db.add_host({0, 0, 0, 0, 0, 0, 0, 1}, [name])
    :inet_db.set_lookup([:file | lookup])

    on_exit(fn ->
      :inet_db.set_lookup(lookup)
      :inet_db.del_host({0, 0, 0, 0, 0, 0, 0, 1})
    end)

    {listener, port} = FakeServer.listen_v6()
    call = "#{name}:#{port}" |> client() |> call(@long)
    socket = FakeServer.welcome(listener)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @aborted)
    assert {:error, %Error{code: :aborted}} = Task.await(call, @long)
  end

  test "a host without an address is :unavailable" do
    client = client("no-such-host.invalid:1")
    assert {:error, %Error{code: :unavailable} = error} = Torchere.models(client, timeout: @long)
    assert error.message == "no connection to no-such-host.invalid:1: non-existing domain"
  end

  test "a server on a Unix socket is reached by its path" do
    # Not in a folder of the test's own: such a path is at most about 100 bytes long.
    path = Path.join(System.tmp_dir!(), "torchere-#{System.unique_integer([:positive])}.sock")
    on_exit(fn -> File.rm(path) end)
    {listener, target} = FakeServer.listen_unix(path)
    call = target |> client() |> call(@long)
    socket = FakeServer.welcome(listener)
    FakeServer.refuse(socket, FakeServer.next_call(socket), @aborted)
    assert {:error, %Error{code: :aborted}} = Task.await(call, @long)
  end

  test "a client that is not there is an error" do
    assert {:error, %Error{code: :unavailable} = error} = Torchere.models(:no_such_client)
    assert error.message =~ "the client :no_such_client is not running"
    assert_raise Error, ~r/^UNAVAILABLE: /, fn -> Torchere.models!(:no_such_client) end
  end

  test "a report of the client says nothing of its calls" do
    {client, _listener, socket} = connected()
    call(client, @long)
    FakeServer.next_call(socket)
    {:status, _, _, [_, _, _, _, report]} = :sys.get_status(client)
    refute inspect(report, limit: :infinity) =~ "ListModels"
  end

  test "a wrong target, timeout or limit is refused at the start" do
    Process.flag(:trap_exit, true)

    for target <- ["localhost", "localhost:0", "localhost:65536", "a:b:1", "[1]:1", "unix:", nil] do
      assert_raise ArgumentError, ~r/^target: /, fn -> Torchere.start_link(target: target) end
    end

    for timeout <- [0, -1, 1.5, :infinity, nil, 86_400_001] do
      assert_raise ArgumentError, ~r/^timeout: /, fn -> Torchere.start_link(timeout: timeout) end
    end

    for size <- [0, 1.5, :infinity, nil] do
      assert_raise ArgumentError, ~r/^max_response_bytes: /, fn ->
        Torchere.start_link(max_response_bytes: size)
      end
    end
  end

  test "wrong options of a call are refused before anything is sent" do
    for outputs <- ["output", ["a" | "b"], [:a], nil] do
      assert_raise ArgumentError, ~r/^outputs: /, fn ->
        Torchere.predict(:no_such_client, "digits", %{}, outputs: outputs)
      end
    end
  end
end
