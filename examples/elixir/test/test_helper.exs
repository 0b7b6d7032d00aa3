# SPDX-License-Identifier: Apache-2.0
Code.require_file("../../../client/elixir/test/support/real_server.ex", __DIR__)
{:ok, _} = Application.ensure_all_started(:torchere)
ExUnit.start(capture_log: true)
