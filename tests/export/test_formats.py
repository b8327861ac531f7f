"""A file is written, loaded by its own runtime and verified, or it is not kept."""

import dataclasses
import json
import zipfile

import jax.export
import keras
import numpy as np
import pytest
from jax.interpreters.mlir import ir, make_ir_context

from tendigits.errors import DiskError, ModelFileError, UserError
from tendigits.export import litert
from tendigits.export.formats import FORMATS, export_file, verify
from tendigits.export.writers import load_onnx, write_stablehlo

layers = keras.layers


@pytest.mark.parametrize("which", ["source", "reader"])
@pytest.mark.parametrize("to", FORMATS)
def test_each_format_agrees_with_its_source(request, exported, which, to):
    source = request.getfixturevalue(which)
    path, found = exported(which, to).path, exported(which, to).verification
    assert list(path.parent.iterdir()) == [path]
    assert (found.agreement, found.n) == (1, 1000)
    assert found.accuracy == found.source_accuracy > 0.9
    assert found.bytes == path.stat().st_size
    assert found.bytes < 4.3 * source.model.count_params() + 140_000  # of which Keras' description of the layers


@pytest.mark.parametrize("which", ["source", "reader"])
@pytest.mark.parametrize("to", ["onnx", "litert"])
def test_int8_is_a_third_of_the_size(exported, which, to):
    float32, int8 = exported(which, to).verification, exported(which, to, int8=True).verification
    assert int8.agreement >= 0.99
    assert abs(int8.accuracy - int8.source_accuracy) <= 0.01
    assert int8.bytes < 0.35 * float32.bytes + 10_000


def with_layers(source, *stack):
    """The source with another network, the same each time."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), *stack, layers.Dense(10, activation="softmax")])
    return dataclasses.replace(source, model=model)


def test_litert_of_convolutions_and_pooling_for_any_batch_size(source, tmp_path):
    pooling = with_layers(
        source, layers.Reshape((28, 28, 1)), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(),
        layers.ReLU(), layers.MaxPooling2D(2), layers.AveragePooling2D(3, 2, "same"), layers.Flatten(),
    )  # fmt: skip
    predict = litert.load(export_file(pooling, "litert", out=tmp_path / "a.tflite").path)
    for n in (1, 7, 1000, 1):
        np.testing.assert_allclose(predict(pooling.x_test[:n]), pooling.expected[:n], atol=1e-5)


def test_litert_int8_of_a_layer_so_large_that_the_quantizer_appends_it_to_the_file(source, tmp_path):
    large = with_layers(source, layers.Dense(512, activation="relu"))
    litert.write(large, tmp_path / "a.tflite", large.samples(50))
    found = litert.load(tmp_path / "a.tflite")(large.x_test[:200])
    assert np.abs(found - large.expected[:200]).mean() < 0.02  # without the weights it is 0.1


def test_impossible_requests(source, tmp_path):
    mixing = with_layers(source, layers.Reshape((28, 28)), layers.Dense(3), layers.Flatten())
    with pytest.raises(UserError, match="expected layers that treat each digit alone, one reshapes to"):
        litert.write(mixing, tmp_path / "a.tflite")
    with pytest.raises(UserError, match=r"expected a file \.tflite for litert, received .*a\.onnx"):
        export_file(source, "litert", out=tmp_path / "a.onnx")
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match=r"cannot make the folder .*; choose another"):
        export_file(source, "onnx", out=tmp_path / "file" / "a.onnx")


def test_metadata_of_files(exported, source):
    for to in ("litert", "h5"):
        assert json.dumps(source.metadata).encode() in exported("source", to).path.read_bytes()
    with zipfile.ZipFile(exported("source", "keras").path) as archive:
        assert json.loads(archive.read("metadata.json"))["tendigits_about"] == source.metadata


def test_stablehlo_metadata(source, tmp_path):
    odd = dataclasses.replace(source, name='a "b" \\ c\u00e9')
    write_stablehlo(odd, tmp_path / "a.stablehlo")
    exported = jax.export.deserialize(bytearray((tmp_path / "a.stablehlo").read_bytes()))
    with make_ir_context():
        attributes = ir.Module.parse(exported.mlir_module()).operation.attributes
        assert json.loads(attributes["tendigits.about"].value) == odd.metadata


def test_an_export_that_disagrees_is_not_kept(source, tmp_path, monkeypatch):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"before")
    off = dataclasses.replace(FORMATS["onnx"], load=lambda path: lambda images: load_onnx(path)(images) + 0.01)
    monkeypatch.setitem(FORMATS, "onnx", off)
    with pytest.raises(ModelFileError, match=r"a\.onnx is not kept: its outputs for 1,000 digits differ by up to 0.01"):
        export_file(source, "onnx", out=path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def check(source, tmp_path):
    """Verify an export with these outputs for the test digits."""
    (tmp_path / "file").write_bytes(bytes(1234))
    return lambda outputs, int8=False: verify(lambda x: outputs[: len(x)], source, tmp_path / "file", int8=int8)


def with_wrong(n, outputs):
    return 0.9 * np.concatenate([np.roll(outputs[:n], 1, axis=1), outputs[n:]])


@pytest.mark.parametrize(
    ("change", "int8", "message"),
    [
        (lambda outputs: outputs + 1e-3, False, r"its outputs for 1,000 digits differ by up to 0.001, over 0.0001"),
        (lambda outputs: outputs * np.nan, False, r"differ by up to nan"),
        (lambda outputs: outputs[:, :9], False, r"expected outputs of shape \(1000, 10\), received \(1000, 9\)"),
        (lambda outputs: with_wrong(11, outputs), True, "expected int8 to read 99% of 1,000 .* as float32.* found 98"),
    ],
)
def test_an_export_that_differs_is_refused(check, source, change, int8, message):
    with pytest.raises(ModelFileError, match=message):
        check(change(source.expected), int8)
