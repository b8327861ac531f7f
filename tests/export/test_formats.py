"""A file is written, loaded back by its own runtime and proved, or it is not there."""

import importlib.util

import pytest

from tendigits.errors import DiskError, ModelFileError, UserError
from tendigits.export import onnx as onnx_format
from tendigits.export.formats import FORMATS, check, make


@pytest.mark.parametrize("which", ["source", "reader"])
@pytest.mark.parametrize("to", FORMATS)
def test_each_format_is_proved_and_says_what_it_is(request, which, to, tmp_path):
    source = request.getfixturevalue(which)
    exported = make(source, to, out=tmp_path / f"a{FORMATS[to].ending}")
    assert list(tmp_path.iterdir()) == [exported.path]
    assert exported.proof.agreement == 1
    assert exported.proof.n == 1000
    assert exported.proof.accuracy == exported.proof.source_accuracy > 0.95
    assert exported.proof.bytes == exported.path.stat().st_size
    assert exported.proof.bytes < 4.3 * source.model.count_params() + 140_000  # Keras' own description of the layers


@pytest.mark.parametrize("which", ["source", "reader"])
@pytest.mark.parametrize("to", [to for to, kind in FORMATS.items() if kind.int8])
def test_eight_bits_are_a_third_of_the_size(request, which, to, tmp_path):
    source = request.getfixturevalue(which)
    plain = make(source, to, out=tmp_path / f"plain{FORMATS[to].ending}").proof
    coarse = make(source, to, int8=True, out=tmp_path / f"coarse{FORMATS[to].ending}").proof
    assert coarse.agreement > 0.99
    assert abs(coarse.accuracy - coarse.source_accuracy) < 0.005
    assert coarse.bytes < 0.35 * plain.bytes + 10_000


def test_the_place_is_beside_the_model(source, run):
    assert make(source, "onnx").path == run / "exports" / "one.onnx"
    assert make(source, "onnx", int8=True).path == run / "exports" / "one-int8.onnx"


def test_what_says_something_else_is_not_kept(source, tmp_path, monkeypatch):
    place = tmp_path / "a.onnx"
    make(source, "onnx", out=place)
    before = place.read_bytes()
    answer = onnx_format.open_
    monkeypatch.setattr(onnx_format, "open_", lambda path: lambda images: answer(path)(images) + 0.01)
    with pytest.raises(ModelFileError, match=r"a\.onnx is not kept: its answers for 1,000 digits differ by up to 0.01"):
        make(source, "onnx", out=place)
    assert place.read_bytes() == before
    assert list(tmp_path.iterdir()) == [place]


def test_what_lost_its_metadata_is_not_kept(source, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_format, "about", lambda _: {})
    with pytest.raises(ModelFileError, match="is not kept: loaded back it has lost its metadata"):
        make(source, "onnx", out=tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_is_told(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"cannot make the folder .*; choose another"):
        make(source, "onnx", out=tmp_path / "file" / "a.onnx")


def test_impossible_wishes_are_told(source, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="expected --int8 with onnx, litert or web, received it with h5"):
        check("h5", int8=True)
    with pytest.raises(UserError, match=r"expected a file \.tflite for litert, received .*a\.onnx"):
        make(source, "litert", out=tmp_path / "a.onnx")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ai_edge_litert" else find(name))
    with pytest.raises(UserError, match=r"--to litert needs LiteRT: pip install 'tendigits\[export\]'"):
        check("litert", int8=False)
    for to in ("onnx", "keras", "h5", "stablehlo"):
        check(to, int8=False)
