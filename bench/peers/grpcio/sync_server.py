# SPDX-License-Identifier: Apache-2.0
import os
from concurrent.futures import ThreadPoolExecutor

import grpc
import predict_pb2
import predict_pb2_grpc
from served import GRPC_PORT, WORKERS, Model


class Predictor(predict_pb2_grpc.PredictorServicer):
    def __init__(self):
        self.model = Model()

    def Predict(self, request, context):
        return predict_pb2.PredictReply(scores=self.model.one(request.row))


def serve():
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 1)])
    predict_pb2_grpc.add_PredictorServicer_to_server(Predictor(), server)
    server.add_insecure_port(f"127.0.0.1:{GRPC_PORT}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    for _ in range(WORKERS - 1):
        if os.fork() == 0:
            break
    serve()
