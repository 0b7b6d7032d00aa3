# SPDX-License-Identifier: Apache-2.0
defmodule Digits.Supervisor do
  @moduledoc "The service: a client of Torchere, tasks that ask it, and the sorter of the inbox."

  use Supervisor

  @doc "Starts it; `:target` is where Torchere is, `:inbox` the folder that is sorted."
  @spec start_link(keyword()) :: Supervisor.on_start()
  def start_link(opts), do: Supervisor.start_link(__MODULE__, opts)

  @impl Supervisor
  def init(opts) do
    children = [
      {Torchere, name: Digits.Torchere, target: opts[:target], timeout: 5_000},
      {Task.Supervisor, name: Digits.Tasks},
      {Digits.Sorter, opts[:inbox]}
    ]

    Supervisor.init(children, strategy: :one_for_one)
  end
end
