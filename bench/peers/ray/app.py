# SPDX-License-Identifier: Apache-2.0
import os
import signal

import ray
from served import BATCH, DELAY_S, GRPC_PORT, HTTP_PORT, WORKERS, Model
from ray import serve
from ray.serve.config import HTTPOptions, gRPCOptions
from ray.serve.schema import LoggingConfig

QUIET = LoggingConfig(enable_access_log=False, log_level="WARNING")


@serve.deployment(num_replicas=WORKERS, max_ongoing_requests=256,
                  ray_actor_options={"num_cpus": 1}, logging_config=QUIET)
class Digits:
    def __init__(self):
        self.model = Model()

    @serve.batch(max_batch_size=max(BATCH, 2), batch_wait_timeout_s=DELAY_S)
    async def batched(self, rows):
        return self.model.many(rows)

    async def scores(self, row):
        return await self.batched(row) if BATCH > 1 else self.model.one(row)

    async def __call__(self, request):
        from starlette.responses import Response

        return Response(await self.scores(await request.body()),
                        media_type="application/octet-stream")

    async def Predict(self, request):
        import predict_pb2

        return predict_pb2.PredictReply(scores=await self.scores(request.row))


if __name__ == "__main__":
    ray.init(num_cpus=WORKERS + 1, include_dashboard=False, object_store_memory=200 << 20,
             _temp_dir=os.environ["WORK"])
    serve.start(
        http_options=HTTPOptions(host="127.0.0.1", port=HTTP_PORT),
        grpc_options=gRPCOptions(port=GRPC_PORT, grpc_servicer_functions=[
            "predict_pb2_grpc.add_PredictorServicer_to_server"]),
        logging_config=QUIET)
    serve.run(Digits.bind(), route_prefix="/")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
