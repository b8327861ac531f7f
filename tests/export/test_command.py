"""`tendigits export` as a person types it."""

import json
import subprocess
import sys

import pytest


@pytest.fixture
def export(run):
    def call(*arguments):
        command = [sys.executable, "-m", "tendigits", "export", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300)

    return call


def test_several_formats_in_one_go(export, run, tmp_path):
    ended = export(run, "--to", "onnx", "--to", "litert")
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith(f"{run / 'exports' / 'one.onnx'}  0.0")
    assert lines[3].startswith(f"{run / 'exports' / 'one.tflite'}  0.0")
    assert "test digits right, as" in lines[1]
    assert "100.00% read alike" in lines[1]


def test_eight_bits_as_json(export, run, tmp_path):
    ended = export(run, "--to", "litert", "--int8", "--json", "--out", tmp_path / "b.tflite")
    assert (ended.returncode, ended.stderr) == (0, "")
    row = json.loads(ended.stdout)
    assert row["format"] == "litert"
    assert row["path"] == str(tmp_path / "b.tflite")
    assert row["bytes"] == (tmp_path / "b.tflite").stat().st_size
    assert row["agreement"] > 0.99


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "onnx", "--to", "h5", "--out", "a.onnx"], "expected one --to beside --out, received 2"),
        (["--to", "keras", "--int8"], "expected --int8 with onnx, litert or web, received it with keras"),
        (["--to", "tar"], "'tar' is not one of"),
        ([], "Missing option '--to'"),
    ],
)
def test_wrong_wishes_are_one_line(export, run, arguments, said):
    ended = export(run, *arguments)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert said in ended.stderr


def test_no_such_run(export, tmp_path):
    ended = export(tmp_path / "none", "--to", "onnx")
    assert ended.returncode == 2
    assert ended.stderr.startswith("tendigits: expected a model file, there is none at")
