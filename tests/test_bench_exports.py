"""The tables of docs/exports.md, from a made-up record, and a network with pooling for real."""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))  # its scripts import each other by name

import exports
from tendigits.export.source import open_source

ROOT = Path(__file__).parent.parent
PROOF = {
    "bytes": 846_594, "n": 10_000, "largest_difference": 2.4e-6, "agreement": 0.9999, "accuracy": 0.9961,
    "source_accuracy": 0.9962, "single_ms": 0.14, "batch_us": 61.2,
}  # fmt: skip
RECORD = {
    "machine": {
        "processor": "A chip",
        "cores": 2,
        "python": "3.11.7",
        "versions": {"keras": "3.15.1", "jax": "0.10.2"},
    },
    "date": "2026-11-25",
    "exports": [
        {"network": "reader", "parameters": 211_000, "format": "onnx", "int8": False} | PROOF,
        {"network": "reader", "parameters": 211_000, "format": "litert", "int8": True} | PROOF,
        {"network": "classic", "parameters": 669_706, "format": "h5", "int8": False} | PROOF,
    ],
}


def test_a_table_for_each_network():
    lines = exports.report(RECORD).splitlines()
    assert lines[0] == "**reader**, 211,000 parameters, 99.62% before:"
    assert lines[4] == "| ONNX | 0.85 | 99.61% | 99.99% | 2.4e-06 | 0.14 | 61.2 |"
    assert lines[5].startswith("| LiteRT, int8 | 0.85 |")
    assert lines[7] == "**classic**, 669,706 parameters, 99.62% before:"
    assert lines[-1].startswith("Machine: A chip, 2 cores; Python 3.11.7, Keras 3.15.1, jax 0.10.2; 2026-11-25.")


def test_a_row_of_a_network_with_pooling(small_npz, tmp_path):
    source = open_source(exports.with_pooling(small_npz, tmp_path / "pooling.keras"), small_npz)
    row = exports.row("with pooling", source, "onnx", False, tmp_path)
    assert row["format"] == "onnx"
    assert row["n"] == 200
    assert row["agreement"] == 1
    assert np.isfinite(row["largest_difference"])


def test_the_document_shows_what_was_measured():
    assert exports.report(json.loads(exports.RESULTS.read_text())) in (ROOT / "docs" / "exports.md").read_text()
