"""A file is written, loaded by its own runtime and verified, or it is not kept."""

import numpy as np
import pytest

from tendigits.errors import DiskError, ModelFileError, UserError
from tendigits.export import onnx as onnx_format
from tendigits.export.formats import FORMATS, check, export_file
from tendigits.export.source import open_source
from tendigits.model.network import build_network
from tendigits.model.recipe import Recipe


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
@pytest.mark.parametrize("to", [to for to, format_ in FORMATS.items() if format_.int8])
def test_int8_is_a_third_of_the_size(exported, which, to):
    float32, int8 = exported(which, to).verification, exported(which, to, int8=True).verification
    assert int8.agreement >= 0.99
    assert abs(int8.accuracy - int8.source_accuracy) <= 0.01
    assert int8.bytes < 0.35 * float32.bytes + 10_000


@pytest.mark.parametrize("to", FORMATS)
def test_a_model_of_mixed_precision_is_exported_in_float32(to, small_npz, tmp_path):
    recipe = Recipe(convolutions=("4x5/4",), hidden=(8, 8), residual=True, batch_norm=True)
    mixed, exact = build_network(recipe), build_network(recipe)  # the same weights
    for layer in mixed.layers[:-1]:
        layer.dtype_policy = "mixed_bfloat16"
    mixed.save(tmp_path / "mixed.keras")
    source = open_source(tmp_path / "mixed.keras", small_npz)
    assert export_file(source, to).verification.agreement == 1
    np.testing.assert_allclose(source.expected, exact.predict(source.x_test, verbose=0), atol=1e-6)


def test_the_default_place_is_beside_the_model(source, run):
    assert export_file(source, "onnx").path == run / "exports" / "one.onnx"


def test_an_export_that_disagrees_is_not_kept(source, tmp_path, monkeypatch):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"before")
    load = onnx_format.load
    monkeypatch.setattr(onnx_format, "load", lambda path: lambda images: load(path)(images) + 0.01)
    with pytest.raises(ModelFileError, match=r"a\.onnx is not kept: its outputs for 1,000 digits differ by up to 0.01"):
        export_file(source, "onnx", out=path)
    monkeypatch.setattr(onnx_format, "read_metadata", lambda _: {})
    with pytest.raises(ModelFileError, match="is not kept: it has lost its metadata"):
        export_file(source, "onnx", out=path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_impossible_requests(source, tmp_path):
    with pytest.raises(UserError, match="expected --int8 with onnx, litert or web, received it with h5"):
        check("h5", int8=True)
    with pytest.raises(UserError, match=r"expected a file \.tflite for litert, received .*a\.onnx"):
        export_file(source, "litert", out=tmp_path / "a.onnx")
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match=r"cannot make the folder .*; choose another"):
        export_file(source, "onnx", out=tmp_path / "file" / "a.onnx")
