# SPDX-License-Identifier: Apache-2.0
defmodule Torchere.CallTest do
  use ExUnit.Case, async: true

  alias Torchere.{Call, Error, V1}

  defp answer(fields) do
    Map.merge(%{status: 200, headers: [], body: "", trailers: nil}, Map.new(fields))
  end

  defp any(type, message),
    do: %Google.Protobuf.Any{type_url: type, value: Protobuf.encode(message)}

  test "a message is what its frame holds" do
    body = [<<0, 3::32, "a">>, "bc"]
    answer = answer(body: body, trailers: [{"grpc-status", "0"}])
    assert Call.message(answer) == {:ok, "abc"}
  end

  test "a status is its code, its text and its details" do
    info = %V1.ErrorInfo{
      reason: "SERVER_FULL",
      domain: "torchere",
      metadata: %{"model" => "digits", "limit" => "1"}
    }

    retry = %V1.RetryInfo{retry_delay: %Google.Protobuf.Duration{seconds: 1, nanos: 500_000_001}}

    status = %V1.RpcStatus{
      code: 8,
      details: [
        any("type.googleapis.com/google.rpc.ErrorInfo", info),
        any("type.googleapis.com/google.rpc.RetryInfo", retry),
        any("type.googleapis.com/google.rpc.Help", %V1.NullValue{})
      ]
    }

    headers = [
      {"grpc-status", "8"},
      {"grpc-message", "zwei gr%C3%BC%C3%9Fe"},
      {"grpc-status-details-bin", status |> Protobuf.encode() |> Base.encode64(padding: false)}
    ]

    assert {:error, error} = Call.message(answer(headers: headers))

    assert error == %Error{
             code: :resource_exhausted,
             reason: "SERVER_FULL",
             message: "zwei grüße",
             model: "digits",
             metadata: %{"model" => "digits", "limit" => "1"},
             retry_after: 1501
           }

    assert Exception.message(error) == "RESOURCE_EXHAUSTED (SERVER_FULL): zwei grüße"
  end

  test "code and text stand where the rest cannot be read" do
    headers = [{"grpc-status", "5"}, {"grpc-message", "100%"}]

    for details <- ["!", Base.encode64(<<0xFF>>)] do
      headers = [{"grpc-status-details-bin", details} | headers]
      assert {:error, error} = Call.message(answer(headers: headers))
      assert error == %Error{code: :not_found, message: "100%"}
    end
  end

  test "a code that gRPC does not know is :unknown" do
    assert {:error, %Error{code: :unknown}} =
             Call.message(answer(headers: [{"grpc-status", "99"}]))
  end

  test "a call that the server cancels has met its end" do
    assert {:error, %Error{code: :unavailable}} =
             Call.message(answer(headers: [{"grpc-status", "1"}]))
  end

  test "what is not gRPC's is an error of its HTTP status" do
    for {status, code} <- [{503, :unavailable}, {404, :unimplemented}, {500, :unknown}] do
      assert {:error, %Error{code: ^code} = error} = Call.message(answer(status: status))
      assert error.message =~ "HTTP #{status}"
    end
  end

  test "an answer without a status, or with another thing than one message, is an error" do
    ok = [{"grpc-status", "0"}]

    for fields <- [
          [body: <<0, 0::32>>, trailers: []],
          [body: "", trailers: ok],
          [body: <<0, 2::32, "a">>, trailers: ok],
          [body: <<1, 1::32, "a">>, trailers: ok],
          [body: <<0, 1::32, "ab">>, trailers: ok]
        ] do
      assert {:error, %Error{code: :internal}} = Call.message(answer(fields))
    end
  end
end
