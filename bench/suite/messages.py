# SPDX-License-Identifier: Apache-2.0
"""One row of digits as each rival wants to be asked, and its ten scores in what comes back."""

import base64
import dataclasses
import json
import struct
from typing import Callable

SHAPE = (1, 1, 8, 8)
# The numbers that load_client fills its own requests with.
ROW = struct.pack("<64f", *(i * 131 % 97 / 97 for i in range(64)))


def varint(value):
    """A number as protobuf writes it."""
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number, payload):
    """A protobuf field of bytes, text or a message."""
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def floats(data):
    """Of float32 bytes the numbers."""
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def scores_in_message(reply):
    """Wherever a protobuf message holds ten float32 that sum to 1, as a softmax's do."""
    for begin in range(1, len(reply) - 39):
        if reply[begin - 1] == 40:
            scores = floats(reply[begin:begin + 40])
            if abs(sum(scores) - 1) < 1e-4:
                return scores
    raise ValueError(f"no ten scores in {reply[:200]!r}")


@dataclasses.dataclass(frozen=True)
class Message:
    """What is sent: a body, and over HTTP its headers; `scores` reads the reply."""

    body: bytes
    scores: Callable
    headers: tuple = ("Content-Type: application/octet-stream",)


JSON_TYPE = ("Content-Type: application/json",)

RAW = Message(ROW, floats)

PREDICT = Message(field(1, ROW), scores_in_message)

TORCHSERVE = Message(field(1, "digits") + field(3, field(1, "data") + field(2, ROW)),
                     scores_in_message)

# KServe's inference protocol, version 2, with the numbers as raw bytes.
KSERVE = Message(
    field(1, "digits")
    + field(5, field(1, "INPUT__0") + field(2, "FP32") + field(3, b"".join(map(varint, SHAPE))))
    + field(7, ROW), scores_in_message)


def _kserve_binary():
    """KServe over HTTP with its extension for binary data."""
    head = json.dumps({
        "inputs": [{"name": "INPUT__0", "datatype": "FP32", "shape": SHAPE,
                    "parameters": {"binary_data_size": len(ROW)}}],
        "outputs": [{"name": "OUTPUT__0", "parameters": {"binary_data": True}}]}).encode()
    return Message(head + ROW, lambda reply: floats(reply[-40:]),
                   (*RAW.headers, f"Inference-Header-Content-Length: {len(head)}"))


KSERVE_BINARY = _kserve_binary()

KSERVE_JSON = Message(
    json.dumps({"inputs": [{"name": "INPUT__0", "datatype": "FP32", "shape": SHAPE,
                            "data": floats(ROW)}]}).encode(),
    lambda reply: json.loads(reply)["outputs"][0]["data"], JSON_TYPE)

LITSERVE = Message(
    json.dumps({"row": base64.b64encode(ROW).decode()}).encode(),
    lambda reply: floats(base64.b64decode(json.loads(reply)["scores"])), JSON_TYPE)

BENTOML = Message(
    json.dumps({"rows": [base64.b64encode(ROW).decode()]}).encode(),
    lambda reply: floats(base64.b64decode(json.loads(reply)[0])), JSON_TYPE)
