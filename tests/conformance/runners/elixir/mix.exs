# SPDX-License-Identifier: Apache-2.0
if System.get_env("TORCHERE_DEPS_PATH") do
  Code.require_file("../../../../tools/local_hex_deps.exs", __DIR__)
end

defmodule ConformanceRunner.MixProject do
  use Mix.Project

  def project do
    [
      app: :conformance_runner,
      version: "0.1.0",
      elixir: "~> 1.18",
      deps: [{:torchere, path: "../../../../client/elixir"}]
    ]
  end

  def application, do: []
end
