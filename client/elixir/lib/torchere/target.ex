# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.Target do
  @moduledoc false
  # Where a server is.

  defstruct [:text, :address]

  @type t :: %__MODULE__{
          text: String.t(),
          address: {:unix, charlist()} | {charlist() | :inet.ip_address(), :inet.port_number()}
        }

  @spec parse!(String.t()) :: t()
  def parse!("unix:" <> path = text) when path != "" do
    %__MODULE__{text: text, address: {:unix, String.to_charlist(path)}}
  end

  def parse!(text) when is_binary(text) do
    with [_, v6, name, digits] <- Regex.run(~r/^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/, text),
         port when port in 1..65_535 <- String.to_integer(digits),
         {:ok, host} <- host(v6, name) do
      %__MODULE__{text: text, address: {host, port}}
    else
      _ -> refuse(text)
    end
  end

  def parse!(other), do: refuse(other)

  # Gun's open or open_unix.
  @spec open(t(), map()) :: {:ok, pid()} | {:error, term()}
  def open(%__MODULE__{address: {:unix, path}}, options), do: :gun.open_unix(path, options)
  def open(%__MODULE__{address: {host, port}}, options), do: :gun.open(host, port, options)

  defp host("", name) do
    name = String.to_charlist(name)

    case :inet.parse_ipv4strict_address(name) do
      {:ok, address} -> {:ok, address}
      {:error, _} -> {:ok, name}
    end
  end

  defp host(v6, _name), do: :inet.parse_ipv6strict_address(String.to_charlist(v6))

  defp refuse(target) do
    raise ArgumentError,
          "target: expected \"HOST:PORT\", \"[IPv6]:PORT\" or \"unix:PATH\", got #{inspect(target)}"
  end

  defimpl String.Chars do
    def to_string(target), do: target.text
  end
end
