# SPDX-License-Identifier: Apache-2.0
"""Client of Torchere, the gRPC server for PyTorch models.

>>> with torchere.Client("127.0.0.1:8500") as client:
...     answer = client.predict("digits", {"pixels": pixels})
...     answer["probabilities"]
"""

from torchere.client import Client
from torchere.error import Error
from torchere.prediction import Prediction, ServedModel, Timing
from torchere.signature import MethodSignature, Signature, ValueSignature
from torchere.status import LoadError, ModelState, ModelStatus, VersionStatus

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Error",
    "LoadError",
    "MethodSignature",
    "ModelState",
    "ModelStatus",
    "Prediction",
    "ServedModel",
    "Signature",
    "Timing",
    "ValueSignature",
    "VersionStatus",
    "__version__",
]
