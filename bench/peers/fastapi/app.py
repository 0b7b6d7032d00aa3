# SPDX-License-Identifier: Apache-2.0
from fastapi import FastAPI, Request, Response
from served import Model

app = FastAPI()
model = Model()


@app.post("/predict")
async def predict(request: Request):
    return Response(model.one(await request.body()), media_type="application/octet-stream")
