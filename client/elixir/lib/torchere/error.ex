# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.Error do
  @moduledoc """
  A call that the server, or the connection to it, ended with an error.

  Fields:

    * `:code` - the gRPC status code: `:invalid_argument`, `:not_found`, ...
    * `:reason` - why, for a program: `"MODEL_NOT_FOUND"`, `"SHAPE_MISMATCH"`, ...; `nil`
      where it was not the server that ended the call (no connection, a deadline that
      passed on the way)
    * `:message` - what went wrong, in one line for a person
    * `:model` - the model that was asked; `nil` where none was
    * `:metadata` - what it is about: `"model"`, `"version"`, `"input"`, `"expected"`,
      `"got"`, ...
    * `:retry_after` - ms to wait at least before the next try; `nil` where the server
      names no time
  """

  alias Torchere.V1

  @codes {:ok, :cancelled, :unknown, :invalid_argument, :deadline_exceeded, :not_found,
          :already_exists, :permission_denied, :resource_exhausted, :failed_precondition,
          :aborted, :out_of_range, :unimplemented, :internal, :unavailable, :data_loss,
          :unauthenticated}

  @enforce_keys [:code, :message]
  defexception [:code, :reason, :message, :model, :retry_after, metadata: %{}]

  @typedoc "A gRPC status code."
  @type code ::
          :cancelled
          | :unknown
          | :invalid_argument
          | :deadline_exceeded
          | :not_found
          | :already_exists
          | :permission_denied
          | :resource_exhausted
          | :failed_precondition
          | :aborted
          | :out_of_range
          | :unimplemented
          | :internal
          | :unavailable
          | :data_loss
          | :unauthenticated

  @type t :: %__MODULE__{
          code: code(),
          reason: String.t() | nil,
          message: String.t(),
          model: String.t() | nil,
          metadata: %{optional(String.t()) => String.t()},
          retry_after: non_neg_integer() | nil
        }

  @impl Exception
  def message(%__MODULE__{} = error) do
    code = error.code |> Atom.to_string() |> String.upcase()
    reason = if error.reason, do: " (#{error.reason})", else: ""
    "#{code}#{reason}: #{error.message}"
  end

  @doc false
  @spec code(integer()) :: code()
  def code(number) when number in 1..16, do: elem(@codes, number)
  def code(_number), do: :unknown

  @doc false
  # Adds what the trailer grpc-status-details-bin says. Code and message stand without it:
  # details that cannot be read are left out.
  @spec put_details(t(), binary()) :: t()
  def put_details(error, status) do
    Enum.reduce(V1.RpcStatus.decode(status).details, error, &put_detail/2)
  rescue
    Protobuf.DecodeError -> error
  end

  defp put_detail(%{type_url: url, value: value}, error) do
    case List.last(String.split(url, "/")) do
      "google.rpc.ErrorInfo" ->
        info = V1.ErrorInfo.decode(value)
        model = info.metadata["model"]
        %{error | reason: info.reason, metadata: info.metadata, model: model}

      "google.rpc.RetryInfo" ->
        %{error | retry_after: milliseconds(V1.RetryInfo.decode(value).retry_delay)}

      _ ->
        error
    end
  end

  @doc false
  # Rounded up: a shorter wait would be too short.
  @spec milliseconds(struct() | nil) :: non_neg_integer() | nil
  def milliseconds(nil), do: nil
  def milliseconds(%{seconds: s, nanos: n}), do: s * 1000 + div(n + 999_999, 1_000_000)
end
