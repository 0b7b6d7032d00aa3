# SPDX-License-Identifier: Apache-2.0
defmodule DigitsTest do
  use ExUnit.Case
  @moduletag :tmp_dir

  alias Torchere.RealServer

  @flags ["--models=#{RealServer.models()}"]

  defp samples,
    do: Path.wildcard(Path.join([RealServer.models(), "digits", "samples", "digit_*.npy"]))

  defp fill(inbox, files) do
    for file <- files, do: File.cp!(file, Path.join(inbox, Path.basename(file)))
  end

  # Rounds until nothing is left: the service makes some of its own besides.
  defp sort_all(inbox) do
    Digits.Sorter.sort()
    if Path.wildcard(Path.join(inbox, "*.npy")) != [], do: sort_all(inbox)
  end

  defp sorted(inbox) do
    for file <- Path.wildcard(Path.join(inbox, "*/*")), do: Path.relative_to(file, inbox)
  end

  test "each digit goes into the folder of its number", %{tmp_dir: inbox} do
    server = start_supervised!({RealServer, @flags})
    fill(inbox, samples())
    File.write!(Path.join(inbox, "text.npy"), "no digit")
    start_supervised!({Digits.Supervisor, target: RealServer.target(server), inbox: inbox})
    sort_all(inbox)

    # digit_1228_is_5.npy shows a 5.
    expected = for file <- samples(), do: Path.join(number(file), Path.basename(file))
    assert sorted(inbox) == Enum.sort(["unreadable/text.npy" | expected])
  end

  defp number(file), do: file |> Path.basename(".npy") |> String.last()

  test "digits wait for a server that is away", %{tmp_dir: inbox} do
    {:ok, server} = start_supervised({RealServer, @flags}, restart: :temporary)
    target = RealServer.target(server)
    assert RealServer.stop(server, "TERM") == 0

    fill(inbox, samples())
    start_supervised!({Digits.Supervisor, target: target, inbox: inbox})
    assert Digits.Sorter.sort() == 0
    assert sorted(inbox) == []

    start_supervised!({RealServer, ["--listen=#{target}" | @flags]}, id: :again)
    sort_all(inbox)
    assert length(sorted(inbox)) == length(samples())
  end

  test "scans stay while the server has no model for them", %{tmp_dir: inbox} do
    server = start_supervised!({RealServer, ["--model=other=#{RealServer.data("types.pt")}"]})
    fill(inbox, samples())
    start_supervised!({Digits.Supervisor, target: RealServer.target(server), inbox: inbox})
    assert Digits.Sorter.sort() == 0
    assert sorted(inbox) == []
  end

  test "what the server refuses as no digit is set aside", %{tmp_dir: inbox} do
    # A model of this name that takes something else.
    server = start_supervised!({RealServer, ["--model=digits=#{RealServer.data("types.pt")}"]})
    file = hd(samples())
    fill(inbox, [file])
    start_supervised!({Digits.Supervisor, target: RealServer.target(server), inbox: inbox})
    sort_all(inbox)
    assert sorted(inbox) == [Path.join("unreadable", Path.basename(file))]
  end

  test "what cannot be read or moved stays, and the rest is sorted", %{tmp_dir: inbox} do
    server = start_supervised!({RealServer, @flags})
    File.mkdir!(Path.join(inbox, "folder.npy"))
    File.ln_s!("nowhere", Path.join(inbox, "gone.npy"))
    File.write!(Path.join(inbox, "unreadable"), "no folder")
    File.write!(Path.join(inbox, "text.npy"), "no digit")
    file = hd(samples())
    fill(inbox, [file])
    start_supervised!({Digits.Supervisor, target: RealServer.target(server), inbox: inbox})
    sorter = Process.whereis(Digits.Sorter)

    Digits.Sorter.sort()
    assert Digits.Sorter.sort() == 0
    assert Process.whereis(Digits.Sorter) == sorter
    assert sorted(inbox) == [Path.join(number(file), Path.basename(file))]
    assert File.regular?(Path.join(inbox, "text.npy"))
  end
end
