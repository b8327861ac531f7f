"""How the reader network is made: its calibration against counts, its pool from few digits, its card."""

import json

import numpy as np
import pytest

import card
import pool
import rehearsal
import train
from split import between, seams_of
from synthesis.writers import NOT_A_DIGIT, SyntheticWriter
from tendigits.data.mnist import load_data
from tendigits.digits.network import Network, from_onnx


def test_the_temperature_makes_confidences_match_accuracy():
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (8000, 11))
    probabilities = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) > rng.random((8000, 1))).argmax(axis=1)
    for factor in (0.5, 1.0, 2.0):
        temperature, _ = train.calibrate(honest * factor, labels)
        assert temperature == pytest.approx(factor, rel=0.06)


def test_the_threshold_leaves_one_wrong_in_a_hundred():
    """By counting: 1,000 sure ones of which 4 are wrong, then 100 less sure ones of which 20 are wrong."""
    logits, labels = np.zeros((1100, 11)), np.zeros(1100, int)
    logits[:1000, 0], logits[1000:, 0] = 8, 4
    labels[::250], labels[1000::5] = 1, NOT_A_DIGIT
    logits += np.random.default_rng(0).uniform(0, 1e-3, logits.shape)
    temperature, threshold = train.calibrate(logits, labels)
    probabilities = np.exp(logits / temperature) / np.exp(logits / temperature).sum(axis=1, keepdims=True)
    accepted = probabilities[:, 0] >= threshold - 1e-9
    assert (labels[accepted] != 0).mean() <= 0.01
    assert accepted.sum() >= 1000


def test_the_pool_is_the_same_each_time_and_every_variant_another(small_npz):
    made = {v: pool.crops(pool.Task(str(small_npz), "held", 0, 40, v)) for v in (0, 1)}
    again = pool.crops(pool.Task(str(small_npz), "held", 0, 40, 0))
    for a, b in zip(made[0], again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(made[0][0][:40], made[1][0][:40])
    for x, y in made.values():
        assert x.dtype == np.uint8
        assert x.shape == (len(y), 28, 28)
        assert 0 < (y == NOT_A_DIGIT).sum() < len(y) / 2


def test_what_is_learned_from_and_what_is_held_out_do_not_meet(small_npz, monkeypatch):
    monkeypatch.setattr(pool, "HELD_OUT", 100)
    pool.writer_of.cache_clear()
    parts = [{image.tobytes() for image in pool.writer_of(str(small_npz), part).x} for part in ("train", "held")]
    pool.writer_of.cache_clear()
    assert [len(part) for part in parts] == [500, 100]
    assert not parts[0] & parts[1]


def test_the_shipped_rehearsal_is_what_the_script_makes():
    (x_train, y_train), _ = load_data()
    writer = SyntheticWriter(x_train, y_train)
    with np.load(rehearsal.ASSETS / "rehearsal.npz") as file:
        crops = file["crops"]
    assert (crops.shape, crops.dtype) == ((1600, 28, 28), np.uint8)
    for i in (0, 1, 2, 1000, 1001, 1002):
        assert np.abs(rehearsal.make_crop(writer, i).astype(int) - crops[i]).mean() < 1  # 0 with the same OpenCV


def test_evaluate_counts():
    logits = np.full((4, 11), -20, np.float32)
    logits[[0, 1, 2, 3], [3, 3, 10, 5]] = 20
    network = Network("known", 0.9, lambda crops: logits)
    result = card.evaluate(network, np.zeros((4, 28, 28), np.uint8), np.array([3, 4, 10, 10]))
    assert result == pytest.approx(
        {
            "digits": 2, "accuracy": 0.5, "digits_accepted": 1.0, "wrong_among_accepted_digits": 0.5,
            "wrong_among_accepted": 2 / 3, "calibration_error": 0.5, "nondigits": 2, "nondigits_rejected": 0.5,
        },
        abs=1e-6,
    )  # fmt: skip


def test_the_card_describes_the_network_in_the_package():
    content = json.loads(card.CARD.read_text())
    network = from_onnx(card.NETWORK.read_bytes(), "reader")
    assert (content["temperature"], content["threshold"]) == (network.temperature, network.threshold)
    assert card.table(content) in card.README.read_text()
    assert card.NETWORK.stat().st_size < 2_000_000


def test_a_cut_follows_the_gap_with_the_least_ink():
    foreground = np.zeros((60, 100), np.uint8)
    for row in range(60):
        gap = 65 - row // 2
        foreground[row, 5 : gap - 2] = foreground[row, gap + 2 : 95] = 255
    (seam,) = [s for s in seams_of(foreground, 60)[1:-1] if abs(s[30] - 50) < 4]
    assert seam[0] - seam[-1] > 20
    left, right = (
        between(foreground, [np.zeros(60, int), seam, np.full(60, 100)], piece) for piece in ((0, 1), (1, 2))
    )
    np.testing.assert_array_equal(np.maximum(left, right), foreground)
    assert not (left.any(axis=0) & right.any(axis=0))[:30].any()
