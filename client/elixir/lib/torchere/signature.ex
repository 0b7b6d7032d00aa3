# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.Signature do
  @moduledoc """
  How one version of a model is called.

  Fields:

    * `:model` - the version
    * `:methods` - its methods: forward first, the others by name
  """

  alias Torchere.{Error, MethodSignature, ServedModel, V1}

  @enforce_keys [:model, :methods]
  defstruct @enforce_keys

  @type t :: %__MODULE__{model: ServedModel.t(), methods: [MethodSignature.t()]}

  @doc "The method of that name; `nil` where there is none."
  @spec method(t(), String.t()) :: MethodSignature.t() | nil
  def method(%__MODULE__{methods: methods}, name \\ "forward") do
    Enum.find(methods, &(&1.name == name))
  end

  @doc false
  @spec from_wire(V1.GetModelSignatureResponse.t()) :: {:ok, t()} | {:error, Error.t()}
  def from_wire(response) do
    {:ok,
     %__MODULE__{
       model: ServedModel.from_wire(response.model),
       methods: Enum.map(response.methods, &MethodSignature.from_wire/1)
     }}
  rescue
    error in Error -> {:error, %{error | model: response.model.name}}
  end
end

defmodule Torchere.MethodSignature do
  @moduledoc """
  One method.

  Fields:

    * `:name` - what `Torchere.predict/4` takes as `:method`
    * `:inputs` - its arguments, in their order
    * `:outputs` - its outputs, in their order
    * `:batched` - whether requests for it run together, by their rows
    * `:run_costs` - ns that one run takes, by its rows; empty while it has not run
  """

  alias Torchere.{Timing, ValueSignature}

  @enforce_keys [:name, :inputs, :outputs, :batched, :run_costs]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          name: String.t(),
          inputs: [ValueSignature.t()],
          outputs: [ValueSignature.t()],
          batched: boolean(),
          run_costs: %{optional(pos_integer()) => non_neg_integer()}
        }

  @doc false
  @spec from_wire(Torchere.V1.MethodSignature.t()) :: t()
  def from_wire(wire) do
    %__MODULE__{
      name: wire.name,
      inputs: Enum.map(wire.inputs, &ValueSignature.from_wire/1),
      outputs: Enum.map(wire.outputs, &ValueSignature.from_wire/1),
      batched: wire.batched,
      run_costs: Map.new(wire.run_costs, &{&1.rows, Timing.nanoseconds(&1.time)})
    }
  end
end

defmodule Torchere.ValueSignature do
  @moduledoc """
  An argument or an output.

  Fields:

    * `:name` - its name; `"*"` stands for outputs whose names are known only once the
      method has run (a Dict's keys, a List's length)
    * `:type` - TorchScript's type: `"Tensor"`, `"Dict[str, Tensor]"`, `"Optional[int]"`
    * `:dtype` - a tensor's `t:Torchere.Tensor.type/0`; `nil` where none is declared
    * `:shape` - length of each dimension of a tensor, -1 where any length will do; `nil`
      where no shape is declared
    * `:has_default` - true for an argument that may be left out
    * `:default` - what is taken where it is left out; `nil` where there is no default, or
      one that cannot be sent
    * `:labels` - names of the classes, where the last dimension counts classes: label i
      is the name of index i
    * `:range` - the integers that an argument takes; `nil` where nothing is declared
  """

  alias Torchere.{Tensor, Value}

  @enforce_keys [:name, :type, :dtype, :shape, :has_default, :default, :labels, :range]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          name: String.t(),
          type: String.t(),
          dtype: Tensor.type() | nil,
          shape: [integer()] | nil,
          has_default: boolean(),
          default: Torchere.value(),
          labels: [String.t()],
          range: Range.t() | nil
        }

  @doc false
  @spec from_wire(Torchere.V1.ValueSignature.t()) :: t()
  def from_wire(wire) do
    where = "default of #{inspect(wire.name)}"

    %__MODULE__{
      name: wire.name,
      type: wire.type,
      dtype: Tensor.type(wire.dtype),
      shape: wire.shape && wire.shape.dims,
      has_default: wire.has_default,
      default: wire.default_value && Value.decode(wire.default_value, where, :torchere),
      labels: wire.labels,
      range: wire.range && Range.new(wire.range.least, wire.range.most, 1)
    }
  end
end
