# SPDX-License-Identifier: Apache-2.0
unless System.get_env("TORCHERE_SERVER") do
  IO.puts("TORCHERE_SERVER is unset: it names the server's binary for the tests of :server")
end

ExUnit.start(
  capture_log: true,
  exclude: if(System.get_env("TORCHERE_SERVER"), do: [], else: [:server])
)
