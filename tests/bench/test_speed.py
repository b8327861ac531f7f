"""The benchmark's arithmetic and two peers on few digits; test_documents.py compares its tables."""

import json
import os
import subprocess
import sys

import pytest

import speed


def test_a_failing_turn_says_why_and_a_working_one_is_read():
    environment = dict(os.environ)
    failed = speed.observed([sys.executable, "-c", "import json; json.loads('no')"], environment)
    assert failed["error"].startswith("json.decoder.JSONDecodeError")
    assert failed["elapsed"] > 0
    assert len(failed["load"]) == 3
    worked = speed.parsed(
        speed.observed([sys.executable, "-c", "print('x'); print('{\"seconds\": [1]}')"], environment)
    )
    assert worked["seconds"] == [1]
    assert "error" in speed.parsed(speed.observed([sys.executable, "-c", ""], environment))


@pytest.mark.parametrize("script", ["tendigits_fit", "jax_scan"])
@pytest.mark.slow
def test_peers_train(script, small_npz):
    command = [sys.executable, speed.script(script), "--data", str(small_npz), "--epochs", "2", "--limit", "640"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    printed = json.loads(done.stdout.splitlines()[-1])
    assert set(printed) == {"peer", "seconds", "warmup", "peak_mb", "versions", "loss", "accuracy"}
    assert len(printed["seconds"]) == 2
    assert printed["warmup"] > 0
    assert printed["accuracy"] > 0.5
    assert 0 < printed["loss"] < 1.5
    assert printed["peak_mb"] > 50
