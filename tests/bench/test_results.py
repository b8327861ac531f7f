"""The arithmetic of the benchmarks, and their scripts on few digits; test_documents.py compares their tables."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import exports
import serving
import teaching
import time_to
from tendigits.export.source import open_source
from tendigits.read.reader import Reader


def test_time_to_an_accuracy():
    epochs = [{"seconds": s, "accuracy": a} for s, a in ((5.0, 0.979), (7.0, 0.991), (9.0, 0.99))]
    assert time_to.first_time({"epochs": epochs}, 0.98) == 7.0
    assert time_to.first_time({"epochs": epochs}, 0.995) is None
    assert time_to.cell([7.0, 9.0, 8.0]) == "8.0"
    assert time_to.cell([7.0, None]) == "7.0 (1 of 2)"
    assert time_to.cell([None]) == "not reached"
    fast, classic = (time_to.CONTESTANTS[name] for name in ("tendigits_fast", "tendigits_classic"))
    known = [{"contestant": "tendigits_fast", "seed": 0}]
    assert time_to.missing(known, [fast, classic], 2) == [(classic, 0), (fast, 1), (classic, 1)]


def test_every_server_gets_the_same_picture(small_npz, tmp_path):
    bodies = serving.write_bodies(small_npz, tmp_path)
    digit = bodies["digit"][0].read_bytes()
    assert base64.b64decode(json.loads(bodies["json"][0].read_text())["image"]) == digit
    with np.load(small_npz) as data:
        assert Reader().digit(digit).label == data["y_test"][0]
    assert cv2.imread(str(bodies["photo"][0])).shape[:2] == (3000, 4000)


def test_writers_with_few_pictures_are_left_out(tmp_path, digits, monkeypatch):
    monkeypatch.setattr(teaching, "CORRECTIONS", 3)
    folder = tmp_path / "scans"
    folder.mkdir()
    rows = ["path,label,writer"]
    for i in range(9):
        cv2.imwrite(str(folder / f"{i}.png"), 255 - cv2.resize(digits.x_test[i], (84, 84)))
        rows.append(f"{i}.png,{digits.y_test[i]},{'anna' if i < 5 else 'bert' if i < 8 else ''}")
    (folder / "labels.csv").write_text("\n".join(rows))
    found = teaching.writers(tmp_path)
    assert list(found) == ["scans anna"]
    assert found["scans anna"][1].tolist() == digits.y_test[:5].tolist()


@pytest.mark.slow
def test_an_export_of_a_network_with_pooling(small_npz, tmp_path):
    source = open_source(exports.with_pooling(small_npz, tmp_path / "pooling.keras"), small_npz)
    row = exports.row("with pooling", source, "onnx", False, tmp_path)
    assert (row["format"], row["n"], row["agreement"]) == ("onnx", 200, 1)


@pytest.mark.slow
def test_a_contestant(small_npz, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    turn = time_to.take_turn(time_to.CONTESTANTS["tendigits_fast"], small_npz, seed=1)
    assert len(turn["epochs"]) == 1
    assert 0 < turn["epochs"][0]["accuracy"] < 1


@pytest.mark.slow
def test_the_example_of_keras(small_npz):
    script = Path(serving.__file__).parent / "peers" / "example_keras.py"
    command = [sys.executable, str(script), "--data", str(small_npz), "--epochs", "2"]
    out = subprocess.check_output(command, env={**os.environ, "KERAS_BACKEND": "jax"}, text=True)
    epochs = [json.loads(line) for line in out.splitlines()]
    assert [each["epoch"] for each in epochs] == [1, 2]
    assert epochs[1]["accuracy"] > 0.2
