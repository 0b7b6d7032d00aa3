# SPDX-License-Identifier: Apache-2.0
defmodule Digits do
  @moduledoc "Reads scanned digits by Torchere's model `digits`."

  alias Torchere.Tensor

  @doc """
  The digit in a .npy file of 8 × 8 float32 pixels, 0 (paper) to 1 (ink), and how likely it
  is. `ArgumentError` where the file holds something else, `File.Error` where it cannot be
  read, `Torchere.Error` where the server does not answer.
  """
  @spec read(Path.t()) :: {:ok, 0..9, float()} | {:error, Exception.t()}
  def read(file) do
    with {:ok, bytes} <- bytes(file),
         {:ok, pixels} <- pixels(bytes),
         {:ok, answer} <- Torchere.predict(Digits.Torchere, "digits", %{"pixels" => pixels}) do
      [probabilities] = Tensor.to_list(answer.outputs["probabilities"])
      {probability, digit} = probabilities |> Enum.with_index() |> Enum.max()
      {:ok, digit, probability}
    end
  end

  defp bytes(file) do
    with {:error, reason} <- File.read(file) do
      {:error, %File.Error{reason: reason, action: "read file", path: file}}
    end
  end

  # NumPy's format: a header that ends with a line, then the items.
  defp pixels(<<"\x93NUMPY", 1, 0, length::16-little, header::binary-size(length), data::binary>>)
       when byte_size(data) == 8 * 8 * 4 do
    if header =~ "'<f4'" and header =~ "'fortran_order': False" do
      {:ok, Tensor.new(:f32, [1, 1, 8, 8], data)}
    else
      {:error, %ArgumentError{message: "its pixels are not float32 in rows"}}
    end
  end

  defp pixels(_other), do: {:error, %ArgumentError{message: "it is no .npy file of 64 pixels"}}
end
