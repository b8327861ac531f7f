"""The ONNX file as another program sees it."""

import json

import numpy as np
import onnx
import onnxruntime

from tendigits.export import onnx as onnx_format
from tendigits.read import network
from tendigits.read.reader import Reader


def test_another_program_has_all_it_needs(source, tmp_path):
    onnx_format.write(source, tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    assert [given.shape for given in session.get_inputs()] == [["n", 784]]
    about = session.get_modelmeta().custom_metadata_map
    labels = json.loads(about["labels"])
    (found,) = session.run(["probabilities"], {"image": source.x_test[:300]})
    said = [labels[i] for i in found.argmax(axis=1)]
    assert np.mean([label == str(digit) for label, digit in zip(said, source.dataset.y_test, strict=False)]) > 0.9


def test_eight_bits_are_in_the_graph(source, tmp_path):
    onnx_format.write_int8(source, tmp_path / "a.onnx", source.samples(200))
    model = onnx.load(tmp_path / "a.onnx")
    assert onnx_format.about(tmp_path / "a.onnx") == source.about
    assert any(node.op_type == "QuantizeLinear" for node in model.graph.node)
    kinds = {constant.data_type for constant in model.graph.initializer if np.prod(constant.dims) > 100}
    assert kinds == {onnx.TensorProto.INT8}


def test_the_reader_reads_with_an_exported_run(source, run, tmp_path):
    onnx_format.write(source, tmp_path / "a.onnx")
    mine, own = Reader(tmp_path / "a.onnx"), Reader(run)
    assert isinstance(mine.network, network.Network)
    assert mine.threshold == float(f"{own.threshold:.4f}")
    crops = list(source.dataset.x_test[:20])
    for one, other in zip(mine.classify(crops), own.classify(crops), strict=True):
        assert (one.label, one.accepted) == (other.label, other.accepted)
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-3)
