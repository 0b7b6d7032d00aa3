# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.Prediction do
  @moduledoc """
  What `Torchere.predict/4` returns.

  Fields:

    * `:outputs` - the outputs by name: a NamedTuple's fields, a Dict's keys, `"output_0"`,
      ... of a plain tuple, or `"output"` of a lone value
    * `:model` - what really ran
    * `:timing` - where the time went inside the server
    * `:request_id` - the caller's own name for the request; empty if none
  """

  alias Torchere.{Error, ServedModel, Timing, V1, Value}

  @enforce_keys [:outputs, :model, :timing, :request_id]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          outputs: %{optional(String.t()) => Torchere.value()},
          model: ServedModel.t(),
          timing: Timing.t(),
          request_id: String.t()
        }

  @doc false
  @spec from_wire(V1.PredictResponse.t(), :nx | :torchere) :: {:ok, t()} | {:error, Error.t()}
  def from_wire(response, tensors) do
    outputs =
      for %{name: name, value: value} <- response.outputs, into: %{} do
        {name, Value.decode(value, "output #{inspect(name)}", tensors)}
      end

    {:ok,
     %__MODULE__{
       outputs: outputs,
       model: ServedModel.from_wire(response.model),
       timing: Timing.from_wire(response.timing),
       request_id: response.request_id
     }}
  rescue
    error in Error -> {:error, %{error | model: response.model.name}}
  end
end

defmodule Torchere.ServedModel do
  @moduledoc """
  What really ran, or what was described.

  Fields:

    * `:name` - name of the model
    * `:version` - version that answered
    * `:label` - label by which it was asked; empty if by none
    * `:method` - method that ran; empty in a signature
    * `:digest` - SHA-256 of the model's file, as `"sha256:"` and 64 hexadecimal digits
  """

  @enforce_keys [:name, :version, :label, :method, :digest]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          name: String.t(),
          version: pos_integer(),
          label: String.t(),
          method: String.t(),
          digest: String.t()
        }

  @doc false
  @spec from_wire(Torchere.V1.ServedModel.t()) :: t()
  def from_wire(model), do: struct!(__MODULE__, Map.take(model, @enforce_keys))
end

defmodule Torchere.Timing do
  @moduledoc """
  Where a request's time went inside the server.

  Fields:

    * `:queue` - ns from the message's arrival to its start on a worker
    * `:compute` - ns in the model
    * `:total` - ns from the message's arrival to its answer
    * `:batch_rows` - rows in the batch that the request ran in; 0 where it ran unbatched
  """

  @enforce_keys [:queue, :compute, :total, :batch_rows]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          queue: non_neg_integer(),
          compute: non_neg_integer(),
          total: non_neg_integer(),
          batch_rows: non_neg_integer()
        }

  @doc false
  @spec from_wire(Torchere.V1.Timing.t()) :: t()
  def from_wire(timing) do
    %__MODULE__{
      queue: nanoseconds(timing.queue),
      compute: nanoseconds(timing.compute),
      total: nanoseconds(timing.total),
      batch_rows: timing.batch_rows
    }
  end

  @doc false
  @spec nanoseconds(struct() | nil) :: non_neg_integer() | nil
  def nanoseconds(nil), do: nil
  def nanoseconds(%{seconds: seconds, nanos: nanos}), do: seconds * 1_000_000_000 + nanos
end
