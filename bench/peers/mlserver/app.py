# SPDX-License-Identifier: Apache-2.0
import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse
from served import ROW, Model


class Digits(MLModel):
    async def load(self):
        self.torch = Model()
        return True

    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0]).reshape(-1, *ROW)
        scores = self.torch.array(np.array(rows, np.float32))
        output = NumpyCodec.encode_output("OUTPUT__0", scores)
        return InferenceResponse(model_name=self.name, outputs=[output])
