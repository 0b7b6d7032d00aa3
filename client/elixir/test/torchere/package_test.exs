# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.PackageTest do
  use ExUnit.Case, async: true

  @client Path.expand("../..", __DIR__)

  test "the package holds its licence, which is the project's" do
    files = Mix.Project.config()[:package][:files]
    assert "LICENSE" in files
    for file <- files, do: assert(File.exists?(Path.join(@client, file)))

    assert File.read!(Path.join(@client, "LICENSE")) ==
             File.read!(Path.join(@client, "../../LICENSE"))
  end
end
