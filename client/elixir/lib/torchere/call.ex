# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.Call do
  @moduledoc false
  # One unary call: a message out, a message or an error back.

  alias Torchere.{Connection, Error, PendingCall}

  @details "grpc-status-details-bin"

  @spec unary(Torchere.client(), String.t(), struct(), module(), pos_integer() | nil) ::
          {:ok, struct()} | {:error, Error.t()}
  def unary(client, path, request, response, timeout) do
    case GRPC.Message.to_data(Protobuf.encode_to_iodata(request), iolist: true) do
      {:ok, frame, _size} ->
        with {:ok, answer} <- Connection.request(client, path, frame, timeout),
             {:ok, message} <- message(answer) do
          {:ok, response.decode(message)}
        end

      {:error, text} ->
        raise ArgumentError, text
    end
  rescue
    Protobuf.DecodeError ->
      {:error, %Error{code: :internal, message: "the answer is no #{inspect(response)}"}}
  end

  # What the server sent, as the message in it or the error that it is.
  @spec message(PendingCall.answer()) :: {:ok, binary()} | {:error, Error.t()}
  def message(%{status: 200, headers: headers, body: body, trailers: trailers}) do
    # An error without a message comes in one block, the headers.
    trailers = Map.new(trailers || headers)

    # CANCELLED, since it is nobody here who cancels, is what gRPC's servers answer to a call
    # that comes as they begin to end.
    case Integer.parse(trailers["grpc-status"] || "") do
      {0, ""} -> unframed(IO.iodata_to_binary(body))
      {1, ""} -> {:error, %Error{code: :unavailable, message: "the server is ending"}}
      {code, ""} -> {:error, error(code, trailers)}
      _ -> {:error, %Error{code: :internal, message: "the answer ended without a gRPC status"}}
    end
  end

  def message(%{status: status}) do
    text = "the answer is HTTP #{status}, not gRPC's 200: is there a proxy in between?"
    {:error, %Error{code: code_of_http(status), message: text}}
  end

  defp unframed(body) do
    case GRPC.Message.from_data(%{compressor: nil}, body) do
      {:ok, message, ""} ->
        {:ok, message}

      _ ->
        text = "the answer is not one plain gRPC message"
        {:error, %Error{code: :internal, message: text}}
    end
  end

  defp error(code, trailers) do
    error = %Error{code: Error.code(code), message: decoded(trailers["grpc-message"] || "")}

    with {:ok, encoded} <- Map.fetch(trailers, @details),
         {:ok, status} <- Base.decode64(encoded, padding: false) do
      Error.put_details(error, status)
    else
      _ -> error
    end
  end

  defp decoded(text) do
    URI.decode(text)
  rescue
    ArgumentError -> text
  end

  # As gRPC's specification maps them.
  defp code_of_http(400), do: :internal
  defp code_of_http(401), do: :unauthenticated
  defp code_of_http(403), do: :permission_denied
  defp code_of_http(404), do: :unimplemented
  defp code_of_http(status) when status in [429, 502, 503, 504], do: :unavailable
  defp code_of_http(_status), do: :unknown
end
