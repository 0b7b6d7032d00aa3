# SPDX-License-Identifier: Apache-2.0
"""What every rival in Python serves: the model $MODEL, frozen, on one thread, in inference mode."""

import os

import numpy as np
import torch

ROW = (1, 8, 8)  # of digits
BATCH = int(os.environ["BATCH"])  # the most requests in one run; 1: no batching
WORKERS = int(os.environ["WORKERS"])  # processes, replicas, instances: one for each core
HTTP_PORT = int(os.environ["HTTP_PORT"])
GRPC_PORT = int(os.environ["GRPC_PORT"])
DELAY_S = 0.002  # how long a batch waits for more, where a rival wants such a figure


def load(path):
    """The module as TorchScript runs it best, past the first calls, in which it specialises."""
    torch.set_num_threads(1)
    module = torch.jit.freeze(torch.jit.load(path).eval())
    with torch.inference_mode():
        for rows in (1, BATCH) * 3:
            module(torch.zeros(rows, *ROW))
    return module


class Model:
    """From bytes to bytes: a row of float32 in, its ten scores out."""

    def __init__(self, path=None):
        self.module = load(path or os.environ["MODEL"])

    def array(self, rows):
        """Of a float32 array [rows, 1, 8, 8] the array [rows, 10]."""
        with torch.inference_mode():
            return self.module(torch.from_numpy(rows)).numpy()

    def one(self, row):
        return self.array(np.frombuffer(bytearray(row), np.float32).reshape(1, *ROW)).tobytes()

    def many(self, rows):
        joined = bytearray(b"".join(rows))
        batch = np.frombuffer(joined, np.float32).reshape(-1, *ROW)
        return [scores.tobytes() for scores in self.array(batch)]
