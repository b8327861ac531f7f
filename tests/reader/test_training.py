"""Training in chunks: it goes on where it stopped, and learns."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import keras
import numpy as np

import training
from training import Task, train


def write(part, n, good):
    rng = np.random.default_rng(part)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    return x, x @ np.array([[1.0], [2], [3], [4]], np.float32)


def build():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])


def loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def test_it_goes_on_from_the_last_chunk(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training, "FOLDER", tmp_path)
    task = Task("line", write, build, loss, chunk=512, part=128, batch=16, rate=0.1)
    for minutes in (0, 0, 60):
        with ThreadPoolExecutor(1) as pool:
            model = train(task, pool, minutes, chunks=4)
    log = json.loads((tmp_path / "line" / "log.json").read_text())
    assert log["chunks"] == 4
    assert len(log["losses"]) == 4
    assert log["losses"][-1] < 0.05 < log["losses"][0]
    np.testing.assert_allclose(model.get_weights()[0].ravel(), [1, 2, 3, 4], atol=0.2)
    assert int(model.optimizer.iterations) == 4 * 512 // 16
    assert "2 of 4 chunks learned" in capsys.readouterr().out
    training.save_weights(model, tmp_path / "weights.npz")
    with ThreadPoolExecutor(1) as pool:
        again = train(replace(task, name="again", rate=1e-9), pool, 0, chunks=4, start=tmp_path / "weights.npz")
    np.testing.assert_allclose(again.get_weights()[0], model.get_weights()[0], atol=2e-3)
