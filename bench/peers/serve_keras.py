"""The reader's network behind a minimal FastAPI endpoint, as in many tutorials: Keras' predict for each request.

One at a time: in threads, Keras 3.15.1 fails in the first predictions.
"""

import sys

import tendigits  # noqa: F401  # chooses JAX

# isort: split
import uvicorn
from fastapi import FastAPI, Request

from tendigits.data.preprocess import to_input
from tendigits.digits.find import find_digit
from tendigits.digits.network import bundled_file
from tendigits.model.onnx import from_onnx

app = FastAPI()
model, _ = from_onnx(bundled_file())


def answer(image: bytes) -> dict[str, object]:
    x = to_input(find_digit(image).crop[None]).reshape(1, 28, 28, 1)
    logits = model.predict(x, verbose=0)[0]
    return {"label": int(logits[:10].argmax()), "logits": logits.tolist()}


@app.post("/predict")
async def predict(request: Request) -> dict[str, object]:
    return answer(await request.body())


uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
