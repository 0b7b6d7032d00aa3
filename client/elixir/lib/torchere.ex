# SPDX-License-Identifier: Apache-2.0
defmodule Torchere do
  @moduledoc """
  Client of Torchere, the gRPC server for PyTorch models.

  Put a client under your supervisor:

      children = [{Torchere, name: MyApp.Models, target: "127.0.0.1:8500"}]

  and call it from any process:

      pixels = Nx.broadcast(0.0, {1, 1, 8, 8})

      case Torchere.predict(MyApp.Models, "digits", %{"pixels" => pixels}) do
        {:ok, answer} -> answer.outputs["probabilities"]
        {:error, %Torchere.Error{code: :unavailable}} -> :later
      end

  A client is one process with one connection, which starts whether or not the server
  is there and connects again whenever it is lost. While it cannot, calls end at once
  with `:unavailable`.

  Every call has a timeout in ms, which travels with it: the server gives up what is
  late, and the caller gets `:deadline_exceeded` in time whatever the server does. A
  caller that dies does not stop the model; its timeout does.

  ## Values

  | Elixir, to the server | TorchScript | Elixir, from the server |
  |---|---|---|
  | `Nx.Tensor`, `Torchere.Tensor` | `Tensor` | `Nx.Tensor` where Nx is there, else `Torchere.Tensor` |
  | a UTF-8 binary | `str` | the same |
  | an integer | `int` | the same |
  | a float, `:nan`, `:infinity`, `:neg_infinity` | `float` | the same |
  | `true`, `false`, `nil` | `bool`, `None` | the same |
  | a list, a tuple | `List`, `Tuple` | a list |
  | a map with text, atom or integer keys | `Dict`, `NamedTuple` | a map with text or integer keys |

  A list is never taken for a Tensor: write `Torchere.Tensor.from_list(:f32, [[1, 2]])`.

  What the server refuses is `{:error, %Torchere.Error{}}`, raised by the functions
  that end in `!`. What the caller gets wrong before anything is sent raises
  `ArgumentError`.
  """

  alias Torchere.{Call, Connection, Error, ModelStatus, Prediction, Signature, V1, Value}

  @typedoc "A client's pid or name."
  @type client :: GenServer.server()

  @typedoc "What a model takes and returns; see the table above."
  @type value ::
          Torchere.Tensor.t()
          | struct()
          | String.t()
          | number()
          | :nan
          | :infinity
          | :neg_infinity
          | boolean()
          | nil
          | [value()]
          | tuple()
          | %{optional(String.t() | atom() | integer()) => value()}

  @typedoc """
  Which version, and how long it may take.

    * `:version` - this very version; by default the newest that is served
    * `:label` - the version that carries this label; not with `:version`
    * `:timeout` - ms, at most a day; by default the client's
  """
  @type option ::
          {:version, pos_integer()} | {:label, String.t()} | {:timeout, pos_integer()}

  @typedoc """
  Options of `predict/4`, besides those of every call.

    * `:method` - method of the module; by default `"forward"`
    * `:outputs` - names of the outputs wanted; by default all
    * `:request_id` - the caller's own name for the request, at most 256 bytes
    * `:priority` - of the requests that wait for the same method the higher goes
      first; 0 is normal
    * `:tensors` - `:nx` or `:torchere`, what tensors of the answer are; by default
      `:nx` where Nx is there. Nx has no bool and no empty tensor: a BOOL tensor becomes
      one of `:u8`, an empty one stays a `Torchere.Tensor`
  """
  @type predict_option ::
          option()
          | {:method, String.t()}
          | {:outputs, [String.t()]}
          | {:request_id, String.t()}
          | {:priority, integer()}
          | {:tensors, :nx | :torchere}

  @doc """
  Starts a client, linked to the caller.

  ## Options

    * `:target` - `"HOST:PORT"`, `"[IPv6]:PORT"` or `"unix:PATH"`; by default
      `"127.0.0.1:8500"`
    * `:timeout` - ms that a call may take where it names no timeout of its own; by
      default 30000
    * `:max_response_bytes` - largest answer that is taken, in bytes of its message; a
      larger one is `:resource_exhausted`; by default 64 MiB
    * `:name` - as `GenServer.start_link/3` takes it
  """
  @spec start_link(keyword()) :: GenServer.on_start()
  defdelegate start_link(opts), to: Connection

  @doc "A client as a child of a supervisor; the options are those of `start_link/1`."
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(opts) do
    %{id: Keyword.get(opts, :name, __MODULE__), start: {__MODULE__, :start_link, [opts]}}
  end

  @doc """
  Runs one method of one model on `inputs`, the arguments by name.

  Those that have a default may be left out. A batch is the first dimension of each
  tensor: `[rows, ...]`.

  The codes of an error: `:invalid_argument`, names, dtypes, shapes, or the model itself
  raised; `:not_found`, no such model, version, label or method; `:failed_precondition`,
  the version is not served; `:resource_exhausted`, refused for load (see `retry_after`)
  or a message is too large; `:unavailable`, no connection, or the server is draining;
  `:deadline_exceeded`; `:internal`, a failure inside the model, or an output that cannot
  be sent.
  """
  @spec predict(client(), String.t(), %{optional(String.t() | atom()) => value()}, [
          predict_option()
        ]) :: {:ok, Prediction.t()} | {:error, Error.t()}
  def predict(client, model, inputs, opts \\ []) do
    opts =
      Keyword.validate!(opts, [
        :version,
        :label,
        :timeout,
        :request_id,
        tensors: Torchere.Tensor.default(),
        method: "forward",
        outputs: [],
        priority: 0
      ])

    tensors = Torchere.Tensor.checked_kind(opts[:tensors])

    request = %V1.PredictRequest{
      model: %V1.ModelSpec{
        name: Value.text!(model, "model"),
        choice: choice(opts),
        method: Value.text!(opts[:method], "method")
      },
      inputs: Value.encode_inputs(inputs),
      outputs: opts[:outputs] |> Value.list!("outputs") |> Enum.map(&Value.text!(&1, "outputs")),
      options: %V1.RequestOptions{
        request_id: Value.text!(opts[:request_id] || "", "request_id"),
        priority: Value.int!(opts[:priority], "priority", 32)
      }
    }

    path = "/torchere.v1.PredictService/Predict"

    with {:ok, response} <- call(client, model, path, request, V1.PredictResponse, opts) do
      Prediction.from_wire(response, tensors)
    end
  end

  @doc "Like `predict/4`, but returns the prediction itself and raises `Torchere.Error`."
  @spec predict!(client(), String.t(), %{optional(String.t() | atom()) => value()}, [
          predict_option()
        ]) :: Prediction.t()
  def predict!(client, model, inputs, opts \\ []), do: ok!(predict(client, model, inputs, opts))

  @doc """
  The state of one model's versions: all, or the one that is named.

  `:not_found`: no such model, version or label.
  """
  @spec status(client(), String.t(), [option()]) :: {:ok, ModelStatus.t()} | {:error, Error.t()}
  def status(client, model, opts \\ []) do
    opts = Keyword.validate!(opts, [:version, :label, :timeout])
    request = %V1.GetModelStatusRequest{name: Value.text!(model, "model"), choice: choice(opts)}
    path = "/torchere.v1.ModelStatusService/GetModelStatus"

    with {:ok, response} <- call(client, model, path, request, V1.GetModelStatusResponse, opts) do
      {:ok, ModelStatus.from_wire(response.model)}
    end
  end

  @doc "Like `status/3`, but returns the status itself and raises `Torchere.Error`."
  @spec status!(client(), String.t(), [option()]) :: ModelStatus.t()
  def status!(client, model, opts \\ []), do: ok!(status(client, model, opts))

  @doc "Every model with its versions, in the order of their names."
  @spec models(client(), timeout: pos_integer()) :: {:ok, [ModelStatus.t()]} | {:error, Error.t()}
  def models(client, opts \\ []) do
    opts = Keyword.validate!(opts, [:timeout])
    path = "/torchere.v1.ModelStatusService/ListModels"

    with {:ok, response} <-
           call(client, nil, path, %V1.ListModelsRequest{}, V1.ListModelsResponse, opts) do
      {:ok, Enum.map(response.models, &ModelStatus.from_wire/1)}
    end
  end

  @doc "Like `models/2`, but returns the list itself and raises `Torchere.Error`."
  @spec models!(client(), timeout: pos_integer()) :: [ModelStatus.t()]
  def models!(client, opts \\ []), do: ok!(models(client, opts))

  @doc """
  How one version is called; by default the newest that is served.

  `:not_found`: no such model, version or label. `:failed_precondition`: the version
  exists but is not served.
  """
  @spec signature(client(), String.t(), [option()]) :: {:ok, Signature.t()} | {:error, Error.t()}
  def signature(client, model, opts \\ []) do
    opts = Keyword.validate!(opts, [:version, :label, :timeout])

    request = %V1.GetModelSignatureRequest{
      name: Value.text!(model, "model"),
      choice: choice(opts)
    }

    path = "/torchere.v1.ModelStatusService/GetModelSignature"

    with {:ok, response} <- call(client, model, path, request, V1.GetModelSignatureResponse, opts) do
      Signature.from_wire(response)
    end
  end

  @doc "Like `signature/3`, but returns the signature itself and raises `Torchere.Error`."
  @spec signature!(client(), String.t(), [option()]) :: Signature.t()
  def signature!(client, model, opts \\ []), do: ok!(signature(client, model, opts))

  defp call(client, model, path, request, response, opts) do
    timeout = opts[:timeout] && Connection.checked_timeout(opts[:timeout])

    with {:error, error} <- Call.unary(client, path, request, response, timeout) do
      {:error, %{error | model: error.model || model}}
    end
  end

  defp choice(opts) do
    case {opts[:version], opts[:label]} do
      {nil, nil} -> nil
      {version, nil} -> {:version, Value.int!(version, "version")}
      {nil, label} -> {:label, Value.text!(label, "label")}
      {_, _} -> raise ArgumentError, "give a version or a label, not both"
    end
  end

  defp ok!({:ok, result}), do: result
  defp ok!({:error, error}), do: raise(error)
end
