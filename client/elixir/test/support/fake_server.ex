# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.FakeServer do
  @moduledoc false
  # The other end of an HTTP/2 connection, which does what a test says, frame by frame.

  @patience 60_000

  @types %{0 => :data, 1 => :headers, 3 => :reset, 4 => :settings, 6 => :ping, 7 => :goaway}
  @numbers Map.new(@types, fn {number, type} -> {type, number} end)

  @doc "A socket that listens on a free port, and the target that names it."
  def listen(port \\ 0) do
    options = [:binary, active: false, ip: {127, 0, 0, 1}, reuseaddr: true]
    {:ok, listener} = :gen_tcp.listen(port, options)
    {:ok, port} = :inet.port(listener)
    {listener, "127.0.0.1:#{port}"}
  end

  @doc "Like `listen/1`, on the IPv6 loopback, and the port alone."
  def listen_v6 do
    {:ok, listener} =
      :gen_tcp.listen(0, [:binary, :inet6, active: false, ip: {0, 0, 0, 0, 0, 0, 0, 1}])

    {:ok, port} = :inet.port(listener)
    {listener, port}
  end

  @doc "Like `listen/1`, on a Unix socket."
  def listen_unix(path) do
    {:ok, listener} = :gen_tcp.listen(0, [:binary, active: false, ip: {:local, path}])
    {listener, "unix:" <> path}
  end

  @doc "The next connection, before it was answered in any way."
  def accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener, @patience)
    socket
  end

  @doc "The next connection, of a server that takes `limit` streams."
  def welcome(listener, limit \\ 100) do
    socket = accept(listener)
    {:ok, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"} = :gen_tcp.recv(socket, 24, @patience)
    send_frame(socket, :settings, 0, <<3::16, limit::32>>)
    socket
  end

  @doc "The stream of the next call, whose headers have come."
  def next_call(socket) do
    case next_frame(socket) do
      {:headers, stream, _} -> stream
      _ -> next_call(socket)
    end
  end

  @doc "The type and stream of the next frame, and what is in it."
  def next_frame(socket) do
    {:ok, <<length::24, type, _flags, stream::32>>} = :gen_tcp.recv(socket, 9, @patience)
    {:ok, payload} = if length > 0, do: :gen_tcp.recv(socket, length, @patience), else: {:ok, ""}
    {Map.get(@types, type, type), stream, payload}
  end

  @doc "Ends a call with an error of gRPC: one block of headers."
  def refuse(socket, stream, code) do
    block = [0x88, field("content-type", "application/grpc"), field("grpc-status", "#{code}")]
    send_frame(socket, :headers, stream, block, 0x5)
  end

  @doc "Sends bytes of an answer that goes on."
  def answer_bytes(socket, stream, bytes) do
    block = [0x88, field("content-type", "application/grpc")]
    send_frame(socket, :headers, stream, block, 0x4)
    # No frame may be longer than 16384 bytes.
    for chunk <- chunks(bytes), do: send_frame(socket, :data, stream, chunk)
  end

  @doc "Ends an answer that goes on."
  def finish(socket, stream, code) do
    send_frame(socket, :headers, stream, field("grpc-status", "#{code}"), 0x5)
  end

  defp chunks(<<chunk::binary-size(16_384), rest::binary>>), do: [chunk | chunks(rest)]
  defp chunks(rest), do: [rest]

  def goaway(socket, last_stream) do
    send_frame(socket, :goaway, 0, <<last_stream::32, 0::32>>)
  end

  def reset(socket, stream, code), do: send_frame(socket, :reset, stream, <<code::32>>)

  defp send_frame(socket, type, stream, payload, flags \\ 0) do
    length = IO.iodata_length(payload)
    :ok = :gen_tcp.send(socket, [<<length::24, @numbers[type], flags, stream::32>>, payload])
  end

  # HPACK: a literal that is not indexed.
  defp field(name, value), do: [0, byte_size(name), name, byte_size(value), value]
end
