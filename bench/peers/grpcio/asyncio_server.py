# SPDX-License-Identifier: Apache-2.0
import os

import grpc
import predict_pb2
import predict_pb2_grpc
import uvloop
from served import GRPC_PORT, WORKERS, Model


class Predictor(predict_pb2_grpc.PredictorServicer):
    def __init__(self):
        self.model = Model()

    async def Predict(self, request, context):
        return predict_pb2.PredictReply(scores=self.model.one(request.row))


async def serve():
    server = grpc.aio.server(options=[("grpc.so_reuseport", 1)])
    predict_pb2_grpc.add_PredictorServicer_to_server(Predictor(), server)
    server.add_insecure_port(f"127.0.0.1:{GRPC_PORT}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    for _ in range(WORKERS - 1):
        if os.fork() == 0:
            break
    uvloop.run(serve())
