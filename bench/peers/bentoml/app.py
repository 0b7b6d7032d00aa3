# SPDX-License-Identifier: Apache-2.0
import base64

import bentoml
from served import BATCH, WORKERS, Model


@bentoml.service(workers=WORKERS, traffic={"timeout": 30, "concurrency": None},
                 logging={"access": {"enabled": False}})
class Digits:
    def __init__(self):
        self.model = Model()

    if BATCH > 1:
        @bentoml.api(batchable=True, max_batch_size=BATCH, max_latency_ms=1000)
        def predict(self, rows: list[str]) -> list[str]:
            scores = self.model.many([base64.b64decode(row) for row in rows])
            return [base64.b64encode(one).decode() for one in scores]
    else:
        @bentoml.api
        def predict(self, rows: list[str]) -> list[str]:
            scores = self.model.one(base64.b64decode(rows[0]))
            return [base64.b64encode(scores).decode()]
