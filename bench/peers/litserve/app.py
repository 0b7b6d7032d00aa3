# SPDX-License-Identifier: Apache-2.0
import base64

import litserve
from served import BATCH, DELAY_S, HTTP_PORT, WORKERS, Model


class Digits(litserve.LitAPI):
    def setup(self, device):
        self.model = Model()

    def decode_request(self, request):
        return base64.b64decode(request["row"])

    def batch(self, inputs):
        return inputs

    def predict(self, rows):
        return self.model.many(rows) if BATCH > 1 else self.model.one(rows)

    def unbatch(self, output):
        return output

    def encode_response(self, output):
        return {"scores": base64.b64encode(output).decode()}


if __name__ == "__main__":
    api = Digits(max_batch_size=BATCH, batch_timeout=DELAY_S) if BATCH > 1 else Digits()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS, timeout=30)
    server.run(host="127.0.0.1", port=HTTP_PORT, log_level="warning", generate_client_file=False)
