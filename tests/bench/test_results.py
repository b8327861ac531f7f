"""The arithmetic of the benchmarks, and their scripts on few digits; test_documents.py compares their tables."""

import base64
import json

import cv2
import numpy as np
import pytest

import exports
import serving
from tendigits.export.source import open_source
from tendigits.read.reader import Reader


def test_every_server_gets_the_same_picture(small_npz, tmp_path):
    bodies = serving.write_bodies(small_npz, tmp_path)
    digit = bodies["digit"][0].read_bytes()
    assert base64.b64decode(json.loads(bodies["json"][0].read_text())["image"]) == digit
    with np.load(small_npz) as data:
        assert Reader().digit(digit).label == data["y_test"][0]
    assert cv2.imread(str(bodies["photo"][0])).shape[:2] == (3000, 4000)


@pytest.mark.slow
def test_an_export_of_a_network_with_pooling(small_npz, tmp_path):
    source = open_source(exports.with_pooling(small_npz, tmp_path / "pooling.keras"), small_npz)
    row = exports.row("with pooling", source, "onnx", False, tmp_path)
    assert (row["format"], row["n"], row["agreement"]) == ("onnx", 200, 1)
