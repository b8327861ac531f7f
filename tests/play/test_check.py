"""What is shown of a network, against Keras' functional model, Keras' evaluate and plain sums."""

import base64

import keras
import numpy as np
import pytest

from tendigits.data.preprocess import one_hot, to_input
from tendigits.errors import UserError
from tendigits.play.check import as_picture, check, describe_unit
from tendigits.play.compare import compare
from tendigits.play.experiment import Experiment
from tendigits.play.learner import Learner


@pytest.fixture(scope="module")
def learner(play_digits):
    """One that has learned for an epoch; its Keras model has the same weights."""
    made = Learner(Experiment(hidden=(70, 12), activation="relu", digits=1000), play_digits)
    while made.epoch < 1:
        made.advance(8)
    made.model.set_weights([np.asarray(weight) for weight in made.weights])
    return made


def pixels(text):
    return np.frombuffer(base64.b64decode(text), np.uint8)


@pytest.mark.parametrize("n", [1, 3, 1000])
def test_layers_are_those_of_a_functional_model_of_keras(learner, n):
    dense = [layer for layer in learner.model.layers if isinstance(layer, keras.layers.Dense)]
    functional = keras.Model(learner.model.inputs, [layer.output for layer in dense])
    x = learner.digits.test_input[:n]
    for mine, keras_own in zip(learner.probe(learner.weights, x), functional.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(mine, keras_own, atol=1e-5)


def test_results_are_those_of_evaluate(learner):
    found = check(learner)
    digits = learner.digits
    loss, accuracy = learner.model.evaluate(digits.test_input, one_hot(digits.y_test), verbose=0)
    assert found["loss"] == pytest.approx(loss, rel=1e-4)
    assert found["accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert np.sum(found["confusion"]) == found["n"] == 1000
    assert np.trace(found["confusion"]) == round(accuracy * 1000)
    assert learner.curve.test.points[-1] == (1.0, pytest.approx(loss, rel=1e-3), pytest.approx(accuracy))
    confidences = [mistake["confidence"] for mistake in found["mistakes"]]
    assert len(confidences) == 12
    assert confidences == sorted(confidences, reverse=True)
    assert all(mistake["true"] != mistake["predicted"] for mistake in found["mistakes"])


def test_weights_and_histograms(learner):
    found = check(learner)
    kernel = np.asarray(learner.weights[0])
    assert len(found["weights"]) == 64
    np.testing.assert_array_equal(pixels(found["weights"][7]), as_picture(kernel[:, 7]))
    assert as_picture(np.array([-2.0, 0.0, 1.0])).tolist() == [1, 128, 192]
    first, second = found["histograms"]
    assert (first["units"], second["units"]) == (70, 12)
    outputs = learner.probe(learner.weights, learner.digits.test_input)[0]
    assert first["low"] == 0  # ReLU
    assert first["high"] == pytest.approx(outputs.max())
    assert sum(first["shares"]) == pytest.approx(1, abs=1e-3)
    assert first["shares"][0] >= (outputs == 0).mean() - 1e-4


def test_a_unit_its_picture_and_the_digits_that_excite_it(learner):
    kernel = np.asarray(learner.weights[0])
    found = describe_unit(learner, 0, 5)
    assert found["is_weights"]
    np.testing.assert_array_equal(pixels(found["picture"]), as_picture(kernel[:, 5]))
    outputs = np.maximum(to_input(learner.images) @ kernel[:, 5] + np.asarray(learner.weights[1])[5], 0)
    assert [digit["output"] for digit in found["digits"]] == pytest.approx(np.sort(outputs)[::-1][:12], rel=1e-3)
    best = found["digits"][0]
    assert pixels(best["picture"]).reshape(28, 28) == pytest.approx(learner.images[outputs.argmax()])
    deeper = describe_unit(learner, 1, 2)
    assert not deeper["is_weights"]
    x = learner.digits.test_input
    hidden = x @ kernel + np.asarray(learner.weights[1])
    is_open = (np.maximum(hidden, 0) @ np.asarray(learner.weights[2]) + np.asarray(learner.weights[3]))[:, 2] > 0
    ways = (hidden > 0) * np.asarray(learner.weights[2])[:, 2] * is_open[:, None]
    by_hand = as_picture((ways @ kernel.T).mean(axis=0))
    assert np.abs(pixels(deeper["picture"]).astype(int) - by_hand).max() <= 1


@pytest.mark.parametrize(("layer", "unit"), [(0, 70), (1, 12), (3, 0)])
def test_a_unit_that_is_not_there(learner, layer, unit):
    with pytest.raises(UserError, match=r"expected a unit of layers with \[70, 12, 10\] units"):
        describe_unit(learner, layer, unit)


def test_a_network_without_hidden_layers(play_digits):
    linear = Learner(Experiment(hidden=(), digits=100), play_digits)
    found = check(linear)
    assert (len(found["weights"]), found["histograms"]) == (10, [])
    assert describe_unit(linear, 0, 9)["is_weights"]


def test_two_networks_and_the_digits_that_they_read_differently(learner, play_digits):
    other = Learner(Experiment(hidden=(8,), digits=100), play_digits)
    found = compare(learner, other)
    a = learner.probe(learner.weights, play_digits.test_input)[-1].argmax(axis=1)
    b = other.probe(other.weights, play_digits.test_input)[-1].argmax(axis=1)
    assert found["n_changed"] == (a != b).sum()
    assert len(found["changed"]) == 24
    assert found["is_significant"]
    assert found["words"].startswith("A reads ")
    same = compare(learner, learner)
    assert (same["n_changed"], same["p"], same["is_significant"]) == (0, 1.0, False)
