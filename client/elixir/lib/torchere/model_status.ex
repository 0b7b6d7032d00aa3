# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.ModelStatus do
  @moduledoc """
  A model and its versions.

  Fields:

    * `:name` - name of the model
    * `:versions` - its versions, newest first
  """

  alias Torchere.VersionStatus

  @enforce_keys [:name, :versions]
  defstruct @enforce_keys

  @type t :: %__MODULE__{name: String.t(), versions: [VersionStatus.t()]}

  @doc false
  @spec from_wire(Torchere.V1.ModelStatus.t()) :: t()
  def from_wire(%{name: name, versions: versions}) do
    %__MODULE__{name: name, versions: Enum.map(versions, &VersionStatus.from_wire(&1, name))}
  end
end

defmodule Torchere.VersionStatus do
  @moduledoc """
  One version of a model.

  Fields:

    * `:version` - a positive integer
    * `:state` - where it is in its life: `:start`, known, not yet loading; `:loading`;
      `:available`, it answers requests; `:unloading`; `:end`, not served: unloaded, or
      failed with an error; `:unspecified`, a state that this client does not know
    * `:error` - why it is at `:end`, or, while `:available`, takes no requests for the
      time being (`"MODEL_HANGS"`); `nil` where nothing is wrong
    * `:state_since` - when the state was entered, by the server's clock
    * `:load_time` - ns that the load took until `:available`; `nil` before
    * `:device` - where it runs: `"cpu"`, `"cuda:0"`
    * `:backend` - what runs it: `"torchscript"`
    * `:digest` - SHA-256 of the model's file, as `"sha256:"` and 64 hexadecimal digits
    * `:file_bytes` - size of the model's file
    * `:labels` - the labels that name this version now
  """

  alias Torchere.{Error, Timing}

  @enforce_keys [
    :version,
    :state,
    :error,
    :state_since,
    :load_time,
    :device,
    :backend,
    :digest,
    :file_bytes,
    :labels
  ]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          version: pos_integer(),
          state: :unspecified | :start | :loading | :available | :unloading | :end,
          error: Error.t() | nil,
          state_since: DateTime.t() | nil,
          load_time: non_neg_integer() | nil,
          device: String.t(),
          backend: String.t(),
          digest: String.t(),
          file_bytes: non_neg_integer(),
          labels: [String.t()]
        }

  @doc false
  @spec from_wire(Torchere.V1.ModelVersionStatus.t(), String.t()) :: t()
  def from_wire(wire, model) do
    %__MODULE__{
      version: wire.version,
      state: state(wire.state),
      error: error(wire.error, model),
      state_since: time(wire.state_since),
      load_time: Timing.nanoseconds(wire.load_time),
      device: wire.device,
      backend: wire.backend,
      digest: wire.digest,
      file_bytes: wire.file_bytes,
      labels: wire.labels
    }
  end

  defp state(:MODEL_STATE_START), do: :start
  defp state(:MODEL_STATE_LOADING), do: :loading
  defp state(:MODEL_STATE_AVAILABLE), do: :available
  defp state(:MODEL_STATE_UNLOADING), do: :unloading
  defp state(:MODEL_STATE_END), do: :end
  defp state(_unknown), do: :unspecified

  defp error(nil, _model), do: nil

  defp error(wire, model) do
    %Error{
      code: Error.code(wire.code),
      reason: wire.reason,
      message: wire.message,
      model: model,
      metadata: wire.metadata,
      retry_after: Error.milliseconds(wire.retry_after)
    }
  end

  defp time(nil), do: nil
  defp time(%{seconds: s, nanos: n}), do: DateTime.from_unix!(s * 1_000_000_000 + n, :nanosecond)
end
