# SPDX-License-Identifier: Apache-2.0
from flask import Flask, Response, request
from served import Model

app = Flask(__name__)
model = Model()


@app.post("/predict")
def predict():
    return Response(model.one(request.get_data()), mimetype="application/octet-stream")
