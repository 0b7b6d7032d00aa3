# SPDX-License-Identifier: Apache-2.0
"""Runs the conformance cases through client/python: runner.py TARGET CASES_FOLDER."""

import base64
import json
import math
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ml_dtypes
import numpy as np

import torchere

LANGUAGE = "python"
DTYPES = {
    "BOOL": "bool", "UINT8": "uint8", "INT8": "int8", "INT16": "int16", "INT32": "int32",
    "INT64": "int64", "FP16": "float16", "BF16": ml_dtypes.bfloat16, "FP32": "float32",
    "FP64": "float64",
}  # fmt: skip
DTYPE_NAMES = {np.dtype(dtype).name: name for name, dtype in DTYPES.items()}
PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.05


class Unexpected(Exception):
    """A step did not end as expected: what was expected, and what came."""


# Values


def value_of(case):
    """The Python value of a case's VALUE."""
    ((kind, content),) = case.items()
    if kind == "tensor":
        array = np.frombuffer(bytes_of(content), np.dtype(DTYPES[content["dtype"]]))
        return array.reshape(content["shape"])
    if kind == "list":
        return [value_of(item) for item in content]
    if kind == "map":
        return {key: value_of(item) for key, item in content.items()}
    if kind == "int_map":
        return {int(key): value_of(item) for key, item in content.items()}
    return {"text": str, "int": int, "float": float, "bool": bool, "null": lambda _: None}[kind](
        content
    )


def bytes_of(tensor):
    """The items of a case's tensor."""
    if tensor.get("fill") == "count":
        size = math.prod(tensor["shape"]) * np.dtype(DTYPES[tensor["dtype"]]).itemsize
        return np.resize(np.arange(251, dtype="uint8"), size).tobytes()
    return base64.b64decode(tensor["data"])


def same(one, other):
    """Whether two values are equal bit by bit and of one type; NaN equals NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape) == (other.dtype, other.shape) and (
            one.tobytes() == other.tobytes()
        )
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (
            struct.pack("<d", one) == struct.pack("<d", other)
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


def brief(value):
    """A value on one line that is not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 200 else text[:200] + "…"


# Calls


def predict(client, call):
    timeout = call.get("timeout_ms")
    return dict(
        client.predict(
            call["model"],
            {name: value_of(value) for name, value in call["inputs"].items()},
            method=call.get("method", "forward"),
            version=call.get("version"),
            label=call.get("label"),
            outputs=call.get("outputs"),
            timeout=None if timeout is None else timeout / 1000,
        )
    )


def status(client, call):
    return {str(v.version): v.state.name for v in client.status(call["model"]).versions}


def models(client, _call):
    return [model.name for model in client.models()]


def signature(client, call):
    forward = client.signature(call["model"]).method()
    return {"inputs": declared(forward.inputs), "outputs": declared(forward.outputs)}


def declared(values):
    return {v.name: {"dtype": DTYPE_NAMES[v.dtype], "shape": list(v.shape)} for v in values}


# How a call is made, and how a case says what it must answer.
CALLS = {
    "predict": (predict, lambda e: {n: value_of(v) for n, v in e["outputs"].items()}),
    "status": (status, lambda e: e["states"]),
    "models": (models, lambda e: e["names"]),
    "signature": (signature, lambda e: e),
}


def check_error(error, expected):
    """Compares what a case says of an error with the error."""
    found = {
        "code": error.code().name,
        "reason": error.reason,
        "model": error.metadata.get("model"),
        "retry_after": error.retry_after is not None,
    }
    wrong = any(found[key] != value for key, value in expected.items() if key != "message")
    if wrong or any(part not in error.details() for part in expected.get("message", [])):
        raise Unexpected(f"expected {brief(expected)}, got {brief(found)}: {error.details()}")


def run_call(client, step, kind):
    """Makes the call of a step and looks at its answer."""
    call, expected_of = CALLS[kind]
    expected = step["expect"]
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = call(client, step[kind])
            break
        except torchere.Error as error:
            if error.code().name == step.get("again_while") and time.monotonic() < end:
                time.sleep(PAUSE_SECONDS)
                continue
            if "error" not in expected:
                raise Unexpected(f"expected {brief(expected)}, got {brief(error)}") from None
            return check_error(error, expected["error"])
    if "error" in expected:
        raise Unexpected(f"expected {brief(expected['error'])}, got {brief(answer)}")
    if not same(answer, expected_of(expected)):
        raise Unexpected(f"expected {brief(expected_of(expected))}, got {brief(answer)}")
    if "order" in expected and list(answer) != expected["order"]:
        raise Unexpected(f"expected the order {expected['order']}, got {list(answer)}")
    return None


# Cases


def run_step(client, step):
    if "server" in step:
        print(json.dumps(step), flush=True)
        sys.stdin.readline()
    elif "parallel" in step:
        with ThreadPoolExecutor(len(step["parallel"])) as pool:
            list(pool.map(lambda one: run_step(client, one), step["parallel"]))
    else:
        run_call(client, step, next(kind for kind in CALLS if kind in step))


def run_case(client, case):
    """None, or one line that says which step did not end as expected, and how."""
    for number, step in enumerate(case["steps"], 1):
        try:
            run_step(client, step)
        except Exception as error:
            kind = "" if isinstance(error, Unexpected) else f"{type(error).__name__}: "
            return " ".join(f"step {number}: {kind}{error}".split())
    return None


def main():
    target, folder = sys.argv[1:]
    with torchere.Client(target) as client:
        for path in sorted(Path(folder).glob("*.json")):
            for case in json.loads(path.read_text())["cases"]:
                if LANGUAGE in case.get("impossible", {}):
                    continue
                detail = run_case(client, case)
                answer = {"file": path.stem, "case": case["name"], "ok": detail is None}
                if detail is not None:
                    answer["detail"] = detail
                print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
