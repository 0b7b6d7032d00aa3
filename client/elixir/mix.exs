# SPDX-License-Identifier: Apache-2.0
if System.get_env("TORCHERE_DEPS_PATH") do
  Code.require_file("../../tools/local_hex_deps.exs", __DIR__)
end

defmodule Torchere.MixProject do
  use Mix.Project

  def project do
    [
      app: :torchere,
      version: "0.1.0",
      elixir: "~> 1.16",
      elixirc_paths: if(Mix.env() == :test, do: ["lib", "test/support"], else: ["lib"]),
      deps: deps(),
      description: "Client of Torchere, the gRPC server for PyTorch models",
      package: package(),
      docs: [main: "readme", extras: ["README.md"]]
    ]
  end

  def application, do: [extra_applications: [:logger]]

  defp deps do
    [
      {:grpc, "~> 1.0"},
      {:gun, "~> 2.4"},
      {:protobuf, "~> 0.17"},
      {:nx, "~> 0.9", optional: true},
      {:ex_doc, "~> 0.34", only: :dev, runtime: false}
    ]
  end

  defp package do
    [
      licenses: ["Apache-2.0"],
      links: %{},
      files: ~w(lib mix.exs .formatter.exs README.md LICENSE)
    ]
  end
end
