# SPDX-License-Identifier: Apache-2.0
"""For Triton's Python backend."""

import numpy as np
import triton_python_backend_utils as triton
from served import Model


class TritonPythonModel:
    def initialize(self, args):
        self.model = Model()

    def execute(self, requests):
        rows = [triton.get_input_tensor_by_name(each, "INPUT__0").as_numpy() for each in requests]
        scores = self.model.array(rows[0] if len(rows) == 1 else np.concatenate(rows))
        return [triton.InferenceResponse([triton.Tensor("OUTPUT__0", one)])
                for one in np.split(scores, len(rows))]
