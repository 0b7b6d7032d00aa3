# SPDX-License-Identifier: Apache-2.0
unless System.get_env("TORCHERE_SERVER") do
  IO.puts("TORCHERE_SERVER is unset: it names the server's binary for the tests of :server")
end

ipv6? = match?({:ok, _}, :gen_tcp.listen(0, [:inet6, ip: {0, 0, 0, 0, 0, 0, 0, 1}]))

unless ipv6?, do: IO.puts("this machine has no IPv6 loopback: the tests of :ipv6 are left out")

ExUnit.start(
  capture_log: true,
  exclude:
    if(System.get_env("TORCHERE_SERVER"), do: [], else: [:server]) ++
      if(ipv6?, do: [], else: [:ipv6])
)
