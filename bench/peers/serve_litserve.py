"""The reader's ONNX file behind LitServe, batched, with onnxruntime and the same settings."""

import base64
import sys

import litserve
import numpy as np

from tendigits.digits.find import find_digit
from tendigits.digits.network import bundled


class Digits(litserve.LitAPI):
    def setup(self, device):
        self.network = bundled(1)

    def decode_request(self, request):
        return find_digit(base64.b64decode(request["image"])).crop

    def batch(self, inputs):
        return np.stack(inputs)

    def predict(self, crops):
        return self.network(crops)

    def unbatch(self, output):
        return list(zip(output.digits, output.confidence, strict=True))

    def encode_response(self, output):
        probabilities, confidence = output
        return {
            "label": int(probabilities.argmax()),
            "confidence": float(confidence),
            "probabilities": probabilities.tolist(),
        }


if __name__ == "__main__":
    api = Digits(max_batch_size=32, batch_timeout=0.002)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
