"""Exports as other programs use them, without this package."""

import json
import subprocess
import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

from tendigits.export.source import PLATFORMS
from tendigits.read.reader import Reader


def test_onnxruntime(exported, source):
    session = onnxruntime.InferenceSession(exported("source", "onnx").path, providers=["CPUExecutionProvider"])
    assert [image.shape for image in session.get_inputs()] == [["n", 784]]
    assert session.get_modelmeta().custom_metadata_map == source.metadata
    labels = json.loads(source.metadata["labels"])
    (found,) = session.run(["probabilities"], {"image": source.x_test[:300]})
    predicted = np.array([int(labels[i]) for i in found.argmax(axis=1)])
    assert (predicted == source.dataset.y_test[:300]).mean() > 0.9
    graph = onnx.load(exported("source", "onnx", int8=True).path).graph
    kinds = {constant.data_type for constant in graph.initializer if np.prod(constant.dims) > 100}
    assert kinds == {onnx.TensorProto.INT8}


def test_the_reader_reads_with_an_onnx_export(exported, source, run_that_reads):
    one, other = Reader(exported("source", "onnx").path), Reader(run_that_reads)
    assert one.threshold == float(f"{other.threshold:.4f}")
    crops = list(source.dataset.x_test[:20])
    for ours, theirs in zip(one.classify(crops), other.classify(crops), strict=True):
        assert (ours.label, ours.accepted) == (theirs.label, theirs.accepted)
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-3)


@pytest.mark.parametrize("to", ["keras", "h5"])
def test_keras(exported, source, to):
    model = keras.models.load_model(exported("source", to).path)
    np.testing.assert_allclose(model.predict(source.x_test[:50], verbose=0), source.expected[:50], atol=1e-6)
    assert getattr(model, "optimizer", None) is None
    assert source.model.optimizer is not None  # the exported model can still be trained


@pytest.mark.parametrize("int8", [False, True])
def test_the_litert_interpreter(exported, source, int8):
    interpreter = Interpreter(str(exported("source", "litert", int8=int8).path))
    interpreter.allocate_tensors()
    found = interpreter.get_signature_runner("serving_default")(image=source.x_test[:1])["probabilities"]
    np.testing.assert_allclose(found, source.expected[:1], atol=0.1 if int8 else 1e-5)
    (image,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert image["shape_signature"].tolist() == [-1, 784]
    assert image["dtype"] is output["dtype"] is np.float32
    assert any(tensor["dtype"] is np.int8 for tensor in interpreter.get_tensor_details()) is int8


JAX_ALONE = f"""
import sys
from pathlib import Path
import numpy as np
from jax import export

loaded = export.deserialize(bytearray(Path(sys.argv[1]).read_bytes()))
assert loaded.platforms == {PLATFORMS}
np.save(sys.argv[3], loaded.call(np.load(sys.argv[2])))
assert "keras" not in sys.modules and "tendigits" not in sys.modules
"""


def test_jax(exported, source, tmp_path):
    x, y = tmp_path / "x.npy", tmp_path / "y.npy"
    np.save(x, source.x_test[:30])
    subprocess.run([sys.executable, "-c", JAX_ALONE, exported("source", "stablehlo").path, x, y], check=True)
    np.testing.assert_allclose(np.load(y), source.expected[:30], atol=1e-6)
