# SPDX-License-Identifier: Apache-2.0
"""Other servers of PyTorch models, and how each is asked.

How each is set up, and why so, is in bench/peers/FOLDER/start."""

import dataclasses

from suite import messages

# Enough for one in each worker when 32 are in flight.
BATCH = 16


@dataclasses.dataclass(frozen=True)
class Rival:
    """One way of asking one rival."""

    name: str
    folder: str
    method: str  # gRPC's, or an HTTP path
    message: messages.Message
    variant: str = ""  # start's argument
    http: bool = False
    batches: bool = True  # whether it can run several requests at once
    warm_up: float = 3  # seconds of load until it is as fast as it gets


def _rivals():
    m = messages
    kserve = "/inference.GRPCInferenceService/ModelInfer"
    kserve_http = "/v2/models/digits/infer"
    predict = "/peers.Predictor/Predict"
    torchserve = "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions"
    yield Rival("Triton, native, gRPC", "triton", kserve, m.KSERVE, "native")
    yield Rival("Triton, native, HTTP", "triton", kserve_http, m.KSERVE_BINARY, "native", True)
    yield Rival("Triton, Python, gRPC", "triton", kserve, m.KSERVE, "python")
    # Its JVM compiles while it is loaded.
    yield Rival("TorchServe, HTTP", "torchserve", "/predictions/digits", m.RAW, http=True,
                warm_up=20)
    yield Rival("TorchServe, gRPC", "torchserve", torchserve, m.TORCHSERVE, warm_up=20)
    yield Rival("FastAPI", "fastapi", "/predict", m.RAW, http=True, batches=False)
    yield Rival("grpcio sync", "grpcio", predict, m.PREDICT, "sync", batches=False)
    yield Rival("grpcio asyncio", "grpcio", predict, m.PREDICT, "asyncio", batches=False)
    yield Rival("Flask, gunicorn", "flask", "/predict", m.RAW, http=True, batches=False)
    yield Rival("LitServe", "litserve", "/predict", m.LITSERVE, http=True)
    yield Rival("MLServer, in-process, gRPC", "mlserver", kserve, m.KSERVE, "in-process")
    yield Rival("MLServer, parallel, gRPC", "mlserver", kserve, m.KSERVE, "parallel")
    yield Rival("MLServer, parallel, HTTP", "mlserver", kserve_http, m.KSERVE_JSON, "parallel",
                True)
    yield Rival("BentoML", "bentoml", "/predict", m.BENTOML, http=True)
    yield Rival("Ray Serve, gRPC", "ray", predict, m.PREDICT)
    yield Rival("Ray Serve, HTTP", "ray", "/", m.RAW, http=True)


RIVALS = tuple(_rivals())
FOLDERS = tuple(dict.fromkeys(rival.folder for rival in RIVALS))
