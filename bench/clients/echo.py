# SPDX-License-Identifier: Apache-2.0
"""Calls an echo through client/python and through the bare stub in turn.

    echo.py TARGET BYTES SECONDS

Prints one JSON object: `library_us` and `stub_us`, medians, and `calls`, how many of each.
"""

import json
import statistics
import sys
import time

import grpc
import numpy as np

import torchere
from torchere.v1 import predict_pb2, predict_pb2_grpc, value_pb2

WARM_UP_CALLS = 5
UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def prepared(array):
    """The request as a caller of the stub has it: with its bytes in place."""
    request = predict_pb2.PredictRequest()
    request.model.name = "types"
    tensor = request.inputs.add(name="x").value.tensor
    tensor.dtype = value_pb2.DATA_TYPE_FP32
    tensor.shape.extend(array.shape)
    tensor.data = array.tobytes()
    return request


def timed(call):
    """Microseconds of one call, and what it gave."""
    begin = time.perf_counter_ns()
    result = call()
    return (time.perf_counter_ns() - begin) / 1000, result


def main():
    target, size, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    array = np.arange(size // 4, dtype="float32")
    request = prepared(array)
    with torchere.Client(target) as client, grpc.insecure_channel(target, UNLIMITED) as channel:
        stub = predict_pb2_grpc.PredictServiceStub(channel)
        calls = {
            "library_us": lambda: client.predict("types", {"x": array})["output"],
            "stub_us": lambda: stub.Predict(request).outputs[0].value.tensor.data,
        }
        taken = {name: [] for name in calls}
        order = list(calls)
        end = time.monotonic() + seconds
        while time.monotonic() < end or len(taken["stub_us"]) <= WARM_UP_CALLS:
            order.reverse()
            for name in order:
                microseconds, result = timed(calls[name])
                taken[name].append(microseconds)
                if memoryview(result).cast("B") != memoryview(array).cast("B"):
                    sys.exit("the echo is not what was sent")
    counted = {name: times[WARM_UP_CALLS:] for name, times in taken.items()}
    medians = {name: statistics.median(times) for name, times in counted.items()}
    print(json.dumps({**medians, "calls": len(counted["stub_us"])}))


if __name__ == "__main__":
    main()
