"""The benchmark's arithmetic, its tables of a made-up record, and two peers on few digits."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import speed
import tables


def turn(peer, *seconds, batch=32, others=0.0, **more):
    return {"peer": peer, "batch": batch, "seconds": list(seconds), "others": others, **more}


@pytest.fixture
def record():
    settings = {"rounds": 2, "epochs": 2, "limit": None}
    kept = {"date": "2026-01-02 03:04 UTC", "settings": settings, "commit": {"commit": "a" * 40, "changed": True}}
    main = [
        turn("tendigits", 2.0, 2.2, peak_mb=400.0, accuracy=0.98, versions={"keras": "3.15.1"}),
        turn("keras_jax", 4.0, 4.4, peak_mb=390.0, versions={"keras": "3.15.1"}),
        turn("nightly_1", 3.0, 3.1),
        turn("nightly_32", 2.0, 2.2, others=0.7),
        {"peer": "pytorch_compile", "batch": 32, "error": "RuntimeError: no compiler", "others": 0.0},
        turn("tendigits", 1.8, 2.0, peak_mb=410.0, accuracy=0.97),
        turn("keras_jax", 3.8, 9.0, peak_mb=395.0),
    ]
    batch = [turn("tendigits", 1.0, batch=128), turn("keras_jax", 2.0, batch=128), turn("tendigits", 2.0)]
    command = [turn("command_warm", 10.0), turn("command_cold", 14.0), turn("keras_script", 25.0)]
    roofline = {
        "gflops": {"jax": {"2048": 150.0, "4096": 160.0}, "numpy": {"2048": 140.0}},
        "copy_gbs": {"cache, 10 MB": 70.0, "memory, 1 GB": 20.0},
    }
    return {
        "machine": {"processor": "A chip", "cores": 2, "platform": "Linux", "python": "3.11.7"},
        "parts": {
            "main": {**kept, "turns": main},
            "batch": {**kept, "turns": batch},
            "command": {**kept, "turns": command},
            "roofline": roofline,
        },
    }


def test_stats_are_over_all_epochs_of_all_turns(record):
    stats = tables.stats_of(record["parts"]["main"]["turns"])
    assert list(stats) == ["tendigits", "keras_jax", "nightly_1", "nightly_32"]
    assert stats["tendigits"].seconds == (2.0, 2.2, 1.8, 2.0)
    assert stats["tendigits"].median == 2.0
    assert stats["keras_jax"].median == pytest.approx(4.2)  # the one slow epoch does not move it
    assert stats["tendigits"].peak_mb == 410.0
    assert stats["tendigits"].accuracy == 0.98


def test_the_nightly_target_stands_at_its_fastest_setting(record):
    stats = tables.stats_of(record["parts"]["main"]["turns"])
    assert tables.target_of("main", "nightly_1", stats) is None
    assert tables.target_of("main", "nightly_32", stats) == 0.9
    assert tables.target_of("conv", "keras_jax", stats) == 0.4
    assert tables.target_of("batch", "keras_jax", stats) is None


def test_flops_against_a_hand_count():
    # 2 -> 3 -> 1, one row: forward 2*(6+3), weights' gradients as many, the second layer's input gradient 2*3.
    assert tables.flops_of_step((2, 3, 1), 1) == 18 + 18 + 6
    assert tables.flops_of_step((2, 3, 1), 5) == 5 * 42
    assert tables.flops_of_step((784, 512, 512, 10), 60_000) == 192_552_960_000
    assert tables.bytes_of_adam(669_706) * 1875 == 35_159_565_000


def test_flops_against_xla():
    import jax
    import jax.numpy as jnp

    def loss(weights, x):
        for w in weights:
            x = x @ w
        return x.sum()

    widths, rows = (96, 64, 64, 16), 8
    weights = [jnp.ones(pair) for pair in pairwise(widths)]
    text = jax.jit(jax.value_and_grad(loss)).lower(weights, jnp.ones((rows, widths[0]))).as_text()
    flops = 0
    for left, right, out in re.findall(
        r"dot_general .*: \(tensor<(\S+)xf32>, tensor<(\S+)xf32>\) -> tensor<(\S+)x", text
    ):
        n_left, n_right, n_out = (eval(shape.replace("x", "*")) for shape in (left, right, out))
        flops += 2 * round((n_left * n_right * n_out) ** 0.5)  # (ik, kj) -> ij: the root of ik * kj * ij is i * j * k
    assert flops == tables.flops_of_step(widths, rows)


def test_roof(record):
    roof = tables.Roof.of(record["parts"]["roofline"])
    assert roof.gflops == 160.0
    assert roof.products == pytest.approx(192.55296 / 160)
    assert roof.adam == pytest.approx(35.159565 / 70)
    assert roof.adam_memory == pytest.approx(35.159565 / 20)


def test_tables(record):
    text = tables.text(record)
    assert "| **tendigits** | 2.00 | 1.80 | 2.20 | 4 |  |  |  | 410 | 98.00% |" in text
    assert "| Keras on JAX | 4.20 | 3.80 | 9.00 | 4 | 0.48 | <= 0.55 | met | 395 |  |" in text
    assert (
        "| keras-nightly on JAX, steps_per_execution 32 | 2.10 | 2.00 | 2.20 | 2 | 0.95 | <= 0.90 | **missed**" in text
    )
    assert "tendigits / Keras on JAX: 1.04 (target <= 1): **missed**" in text
    assert "torch.compile failed: `RuntimeError: no compiler`" in text
    assert "In 1 of 7 turns other programs used more than 0.1 cores, 0.7 at most: keras-nightly" in text
    assert "| the same script on Keras and JAX | 25.00 | 25.00 | 25.00 | 1 | 0.40 | <= 0.50 | met |" in text
    assert "| Keras on JAX | failed | 2.00 (0.50) |" in text
    assert "Floor: **1.20 s**" in text
    assert "commit aaaaaaaaaaaa with changes" in text


def test_every_peer_has_a_name_a_script_and_an_environment():
    for peer in speed.PEERS.values():
        assert peer.name in tables.NAMES
        assert Path(speed.script(peer.script)).exists()
        assert peer.environment is None or peer.environment in speed.ENVIRONMENTS
    assert set(tables.NIGHTLY) <= set(speed.PEERS)
    for targets in tables.TARGETS.values():
        assert set(targets) <= {*tables.NAMES, "nightly"}
    for requirements in speed.ENVIRONMENTS.values():
        assert all("==" in requirement for requirement in requirements)


def test_a_failing_turn_says_why_and_a_working_one_is_read():
    environment = dict(os.environ)
    failed = speed.observed([sys.executable, "-c", "import json; json.loads('no')"], environment)
    assert failed["error"].startswith("json.decoder.JSONDecodeError")
    assert failed["wall"] > 0
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
