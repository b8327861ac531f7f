"""The tables of docs/results.md, from made-up records, and two of its scripts for real on few digits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))  # its scripts import each other by name

import augmenting
import depth
import recipes
import time_to

ROOT = Path(__file__).parent.parent
VERSIONS = {"keras": "3.15.1", "jax": "0.10.2", "numpy": "2.4.6"}
MACHINE = {
    "processor": "A chip",
    "cores": 2,
    "device": "cpu",
    "python": "3.11.7",
    "backend": "jax",
    "versions": VERSIONS,
}


def result(seed, accuracy, minutes):
    return {
        "seed": seed, "test_accuracy": accuracy, "epochs": 7, "parameters": 669706, "machine": MACHINE,
        "seconds": {"fit": 60 * minutes - 6, "save": 6.0},
    }  # fmt: skip


def test_the_table_has_mean_spread_and_the_least():
    kept = {"mlp": [result(0, 0.992, 4), result(1, 0.994, 6)], "classic": [result(0, 0.98, 1)]}
    rows = recipes.table(kept).splitlines()
    assert rows[2] == "| classic | 669,706 | **98.00%** | 1 | 98.00% | 7 | 0.9 | 1.0 |"
    assert rows[3] == "| mlp | 669,706 | **99.30%** ± 0.14% | 2 | 99.20% | 7 | 4.9 | 5.0 |"
    assert "A chip, 2 cores" in rows[-1]
    assert recipes.short_table(kept).splitlines()[3] == "| `mlp` | 669,706 | **99.30%** ± 0.14% (2) | 5.0 |"


def test_the_first_time_that_a_target_was_reached():
    epochs = [{"seconds": s, "accuracy": a} for s, a in ((5.0, 0.979), (7.0, 0.991), (9.0, 0.99))]
    assert time_to.first_time({"epochs": epochs}, 0.98) == 7.0
    assert time_to.first_time({"epochs": epochs}, 0.995) is None
    assert time_to.cell([7.0, 9.0, 8.0]) == "8.0"
    assert time_to.cell([7.0, None]) == "7.0 (1 of 2)"
    assert time_to.cell([None]) == "not reached"


def test_turns_that_are_known_are_not_taken_again():
    fast, classic = (time_to.CONTESTANTS[name] for name in ("tendigits_fast", "tendigits_classic"))
    known = [{"contestant": "tendigits_fast", "seed": 0}]
    assert time_to.missing(known, [fast, classic], 2) == [(classic, 0), (fast, 1), (classic, 1)]


def test_a_first_run_finds_nothing_compiled():
    off = {name for name, one in time_to.CONTESTANTS.items()
           if time_to.variables_of(one).get("TENDIGITS_COMPILATION_CACHE") == "off"}  # fmt: skip
    assert off == {"first_fast", "first_cnn_2", "first_cnn_8"}


def test_the_table_of_times():
    turns = [{"contestant": "pytorch", "epochs": [{"seconds": 30.0, "accuracy": 0.985}], "date": "2026-01-02"}]
    record = {"turns": turns, "machine": MACHINE}
    rows = time_to.table(record).splitlines()
    assert rows[2] == "| PyTorch's example mnist | 30.0 | not reached | not reached | 98.50% | 1 |"


@pytest.mark.parametrize("name", ["tendigits_fast"])
@pytest.mark.slow
def test_a_contestant_for_real(name, small_npz, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    turn = time_to.take_turn(time_to.CONTESTANTS[name], small_npz, seed=1)
    assert len(turn["epochs"]) == 1
    assert turn["epochs"][0]["seconds"] > 0.5
    assert 0 < turn["epochs"][0]["accuracy"] < 1


@pytest.mark.slow
def test_keras_example_for_real(small_npz):
    command = [sys.executable, str(ROOT / "bench" / "peers" / "example_keras.py"), "--data", str(small_npz)]
    out = subprocess.run([*command, "--epochs", "2"], env={**os.environ, "KERAS_BACKEND": "jax"},
                         capture_output=True, text=True, check=True).stdout  # fmt: skip
    said = [json.loads(line) for line in out.splitlines()]
    assert [line["epoch"] for line in said] == [1, 2]
    assert said[1]["accuracy"] > 0.2


def test_the_table_of_depths():
    runs = [
        {"depth": d, "network": network, "seed": 0, "first": 0.11, "best": 0.97, "seconds": 10 + d}
        for d in depth.DEPTHS
        for network in depth.NETWORKS
    ]
    rows = depth.table({"runs": runs}).splitlines()
    assert rows[3] == "| 2 | normalised | 11.00% (11.0% to 11.0%) | 97.00% (97.0% to 97.0%) | 12 |"
    assert len(rows) == 2 + len(depth.DEPTHS) * len(depth.NETWORKS)


def test_the_table_of_augmentation():
    rows = augmenting.table({"digits": 59904, "seconds": {"ours": [0.5, 0.7, 0.6]}}).splitlines()
    assert rows[2] == "| ours | 0.60 | 0.50 to 0.70 |"


def test_both_kinds_of_augmentation_change_digits_alike(digits):
    import jax
    import numpy as np

    x = (digits.x_train[:64, ..., None] / np.float32(255)).astype(np.float32)
    for change in augmenting.changes().values():
        changed = np.asarray(change(x, jax.random.key(0)))
        assert changed.shape == x.shape
        assert 0.7 < changed.sum() / x.sum() < 1.3  # as much ink
        assert np.abs(changed - x).mean() > 0.01  # elsewhere
