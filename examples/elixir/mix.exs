# SPDX-License-Identifier: Apache-2.0
if System.get_env("TORCHERE_DEPS_PATH") do
  Code.require_file("../../tools/local_hex_deps.exs", __DIR__)
end

defmodule Digits.MixProject do
  use Mix.Project

  def project do
    [
      app: :digits,
      version: "0.1.0",
      elixir: "~> 1.16",
      deps: [{:torchere, path: "../../client/elixir"}],
      # Tests start what they need.
      aliases: [test: "test --no-start"]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Digits.Application, []}]
end
