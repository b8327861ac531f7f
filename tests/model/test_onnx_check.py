"""ONNX files that tendigits would not have written, made with ONNX' own library."""

import time

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from helpers import changed, changed_numbers
from tendigits.digits.network import bundled_file, from_onnx
from tendigits.digits.runtime import asset
from tendigits.errors import ModelFileError
from tendigits.model.onnx import with_metadata
from tendigits.model.onnx_check import MAX_FIELDS, OPERATORS, check_onnx
from tendigits.numbers.network import NumberNetwork


def file_of(*nodes, weights=(), **options):
    """A file of a graph from (n, 784) to (n, 10), as far as its nodes make it one."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "graph", [value("image", TensorProto.FLOAT, ["n", 784])],
        [value("out", TensorProto.FLOAT, ["n", 10])], weights,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9, **options)


def gemm(name="weights"):
    return helper.make_node("Gemm", ["image", name], ["out"])


def weights(value=0.0, kind=np.float32):
    return numpy_helper.from_array(np.full((784, 10), value, kind), "weights")


def inner(*nodes):
    return helper.make_graph(nodes or [helper.make_node("Identity", ["image"], ["inner"])], "inner", [], [])


def external():
    tensor = weights()
    onnx.external_data_helper.set_external_data(tensor, "/etc/passwd")
    tensor.ClearField("raw_data")
    return tensor


def with_functions():
    opset = [helper.make_opsetid("", 20)]
    function = helper.make_function("own", "Relu", ["x"], ["y"], [helper.make_node("Loop", ["x"], ["y"])], opset)
    return file_of(gemm(), weights=[weights()], functions=[function])


def sparse():
    file = file_of(gemm(), weights=[weights()])
    values, indices = weights(), numpy_helper.from_array(np.arange(2), "indices")
    file.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [784, 10]))
    return file


def two_graphs():
    """Protobuf takes both together: here the second one adds the loop."""
    loop = file_of(helper.make_node("Loop", ["", ""], ["out"], body=inner()))
    return file_of(gemm(), weights=[weights()]).SerializeToString() + loop.SerializeToString()


REFUSED = {
    "Loop": (lambda: file_of(helper.make_node("Loop", ["", ""], ["out"], body=inner())), "the operator 'Loop'"),
    "If": (lambda: file_of(helper.make_node("If", ["c"], ["out"], then_branch=inner(), else_branch=inner())), "'If'"),
    "Scan": (lambda: file_of(helper.make_node("Scan", ["image"], ["out"], body=inner(), num_scan_inputs=1)), "'Scan'"),
    "a graph in a known operator": (
        lambda: file_of(helper.make_node("Relu", ["image"], ["out"], body=inner())), "a graph or an array of its own"),
    "an operator of the runtime's own": (
        lambda: file_of(helper.make_node("Gelu", ["image"], ["out"], domain="com.microsoft")), "'com.microsoft'"),
    "an unknown operator": (lambda: file_of(helper.make_node("Tile", ["image"], ["out"])), "'Tile'"),
    "functions": (with_functions, "functions"),
    "external data": (lambda: file_of(gemm(), weights=[external()]), "keeps weights in another file"),
    "sparse weights": (sparse, "sparse weights"),
    "two graphs": (two_graphs, "Loop|no ONNX file"),
    "NaN": (lambda: file_of(gemm(), weights=[weights(np.nan)]), "expected finite weights"),
    "infinity": (lambda: file_of(gemm(), weights=[weights(-np.inf)]), "expected finite weights"),
    "an infinite attribute": (
        lambda: file_of(helper.make_node("LeakyRelu", ["image"], ["out"], alpha=float("inf"))), "expected finite"),
    "NaN in a list": (lambda: file_of(gemm(), weights=[
        helper.make_tensor("weights", TensorProto.FLOAT, [2], [1.0, float("nan")])]), "expected finite weights"),
    "float64": (lambda: file_of(gemm(), weights=[weights(1.0, np.float64)]), "expected weights of float32"),
    "float16": (lambda: file_of(gemm(), weights=[weights(1.0, np.float16)]), "expected weights of float32"),
    "no graph": (lambda: b"", "no ONNX file"),
    "text": (lambda: b"this is no network", "cut or no"),
    "many fields": (lambda: b"\x08\x01" * (MAX_FIELDS + 1), "more than 100,000 fields"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_tendigits_would_not_have_written_is_refused_before_a_runtime_opens_it(make, reason, monkeypatch):
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda *_, **__: pytest.fail("a session was made"))
    made = make()
    data = made if isinstance(made, bytes) else made.SerializeToString()
    with pytest.raises(ValueError, match=reason):
        check_onnx(data)
    with pytest.raises(ModelFileError, match=rf"^mine\.onnx is not a complete model file: .*({reason})"):
        from_onnx(data, "mine.onnx")


def test_the_packages_networks_and_changed_ones_pass_quickly():
    own = [bundled_file(), asset("numbers", "numbers.onnx"), asset("numbers", "finder.onnx"), changed(1.01)]
    started = time.process_time()
    for data in (*own, changed_numbers(1.01)):
        check_onnx(data)
    assert time.process_time() - started < 2
    kinds = {node.op_type for data in own for node in onnx.load_from_string(data).graph.node}
    assert kinds < OPERATORS


@given(st.binary(max_size=200) | st.tuples(st.integers(0, 800_000), st.integers(1, 255)))
def test_any_bytes_are_a_file_or_a_value_error(change):
    data = bytearray(bundled_file())
    if isinstance(change, tuple):
        data[change[0] % len(data)] ^= change[1]
    else:
        data = bytearray(change)
    try:
        check_onnx(bytes(data))
    except ValueError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "about",
    [
        {"temperature": "nan"}, {"temperature": "0"}, {"temperature": "-1"}, {"temperature": "1e9"},
        {"temperature": "warm"}, {"threshold": "nan"}, {"threshold": "inf"}, {"threshold": "0"}, {"threshold": "2"},
        {"number_network": "no base64!"},
    ],
)  # fmt: skip
def test_a_calibration_that_is_not_finite_and_positive_is_refused(about):
    with pytest.raises(ModelFileError, match=r"^mine\.onnx: its metadata is damaged: "):
        from_onnx(with_metadata(bundled_file(), about), "mine.onnx")


def test_finite_weights_whose_sums_are_not_are_refused():
    data = file_of(gemm(), weights=[weights(np.finfo(np.float32).max)]).SerializeToString()
    with pytest.raises(ModelFileError, match="expected finite answers, some are not"):
        from_onnx(data, "mine.onnx")


@pytest.mark.parametrize("trust", ['{"weights": ', "[]", "null", '{"weights": [1], "bias": NaN, "thresholds": []}'])
def test_so_is_the_calibration_of_a_line_network(trust):
    from tendigits.numbers.confidence import ConfidenceModel

    network = NumberNetwork(with_metadata(asset("numbers", "numbers.onnx"), {"trust": trust}))
    with pytest.raises(ModelFileError, match="the line network: "):
        ConfidenceModel.from_metadata(network.about)
