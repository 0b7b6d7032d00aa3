# SPDX-License-Identifier: Apache-2.0
#
# For machines where hex packages cannot be had. The mix.exs files of this repository require it
# where TORCHERE_DEPS_PATH is set: each dependency, direct or not, is then the folder
# TORCHERE_DEPS_PATH/<app>. The versions there must satisfy mix.exs all the same.

defmodule LocalHexDeps do
  @behaviour Mix.SCM

  def accepts_options(app, opts) do
    unless opts[:path] || opts[:in_umbrella] do
      folder = Path.join(System.fetch_env!("TORCHERE_DEPS_PATH"), Atom.to_string(app))
      Keyword.merge(opts, dest: folder, env: :prod)
    end
  end

  def fetchable?, do: false
  def format(opts), do: opts[:dest]
  def format_lock(_opts), do: nil
  def checked_out?(opts), do: File.dir?(opts[:dest])
  def lock_status(_opts), do: :ok
  def equal?(one, other), do: one[:dest] == other[:dest]
  def managers(_opts), do: []
  def checkout(_opts), do: Mix.raise("local dependencies are not fetched")
  def update(opts), do: opts[:lock]
end

Mix.SCM.prepend(LocalHexDeps)
