# SPDX-License-Identifier: Apache-2.0
defmodule Digits.Application do
  @moduledoc "Starts the service as the environment says: TORCHERE_TARGET, DIGITS_INBOX."

  use Application

  @impl Application
  def start(_type, _args) do
    Digits.Supervisor.start_link(
      target: System.get_env("TORCHERE_TARGET", "127.0.0.1:8500"),
      inbox: System.get_env("DIGITS_INBOX", "inbox")
    )
  end
end
