"""What is shown of a network, against Keras' functional model, Keras' evaluate and plain sums."""

import base64

import numpy as np
import pytest

from tendigits.data.preprocess import one_hot, to_input
from tendigits.play.experiment import Experiment
from tendigits.play.learner import Learner
from tendigits.play.views import as_picture, compare, describe_unit, draw, evaluate


@pytest.fixture(scope="module")
def learner(digits):
    """One that has learned for an epoch; its Keras model has the same weights."""
    made = Learner(Experiment(hidden=(70, 12), activation="relu", digits=1000), digits)
    while made.epoch < 1:
        made.advance(8)
    made.model.set_weights([np.asarray(weight) for weight in made.weights])
    return made


@pytest.fixture(scope="module")
def results(learner):
    return evaluate(learner)


def pixels(text):
    return np.frombuffer(base64.b64decode(text), np.uint8)


def test_results_are_those_of_keras_evaluate(learner, results):
    labels = learner.dataset.y_test
    loss, accuracy = learner.model.evaluate(learner.test_input, one_hot(labels), verbose=0)
    assert results["loss"] == pytest.approx(loss, rel=1e-4)
    assert results["accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert np.trace(results["confusion"]) == round(accuracy * results["n"])
    assert learner.test_curve.points[-1] == (1.0, pytest.approx(loss, rel=1e-3), pytest.approx(accuracy))
    assert len(results["mistakes"]) == 12
    assert all(mistake["true"] != mistake["predicted"] for mistake in results["mistakes"])


def test_weights_are_pictures_and_activations_histograms(learner, results):
    kernel = np.asarray(learner.weights[0])
    assert len(results["weights"]) == 64
    np.testing.assert_array_equal(pixels(results["weights"][7]), as_picture(kernel[:, 7]))
    assert as_picture(np.array([-2.0, 0.0, 1.0])).tolist() == [1, 128, 192]
    first, second = results["histograms"]
    assert (first["units"], second["units"]) == (70, 12)
    outputs = learner.outputs(learner.test_input)[0]
    assert first["low"] == 0  # ReLU
    assert first["high"] == pytest.approx(outputs.max())
    assert sum(first["fractions"]) == pytest.approx(1, abs=1e-3)


def test_a_unit_of_the_first_layer_shows_its_weights_and_the_digits_that_excite_it_most(learner):
    kernel, bias = (np.asarray(weight) for weight in learner.weights[:2])
    found = describe_unit(learner, 0, 5)
    assert found["is_weights"]
    np.testing.assert_array_equal(pixels(found["picture"]), as_picture(kernel[:, 5]))
    outputs = np.maximum(to_input(learner.images) @ kernel[:, 5] + bias[5], 0)
    assert [digit["output"] for digit in found["digits"]] == pytest.approx(np.sort(outputs)[::-1][:12], rel=1e-3)
    np.testing.assert_array_equal(pixels(found["digits"][0]["picture"]), learner.images[outputs.argmax()].ravel())


def test_a_deeper_unit_shows_its_mean_gradient(learner):
    found = describe_unit(learner, 1, 2)
    assert not found["is_weights"]
    kernel, bias, kernel_2, bias_2 = (np.asarray(weight) for weight in learner.weights[:4])
    hidden = learner.test_input @ kernel + bias
    is_active = (np.maximum(hidden, 0) @ kernel_2 + bias_2)[:, 2] > 0
    gradient = ((hidden > 0) * kernel_2[:, 2] * is_active[:, None]) @ kernel.T
    assert np.abs(pixels(found["picture"]).astype(int) - as_picture(gradient.mean(axis=0))).max() <= 1


def test_a_network_without_hidden_layers(digits):
    linear = Learner(Experiment(hidden=(), digits=100), digits)
    found = evaluate(linear)
    assert (len(found["weights"]), found["histograms"]) == (10, [])
    assert describe_unit(linear, 0, 9)["is_weights"]
    assert draw(linear, digits.x_test[0])["layers"] == []


def test_a_drawing_shows_probabilities_and_each_hidden_layer_as_bytes(digits):
    learner = Learner(Experiment(hidden=(12,), activation="tanh", digits=100), digits)
    found = draw(learner, digits.x_test[3])
    hidden, output = learner.outputs(learner.test_input[3:4])
    np.testing.assert_allclose(found["probabilities"], output[0], atol=1e-5)
    (layer,) = found["layers"]
    step = (layer["high"] - layer["low"]) / 255
    assert layer["low"] < 0 < layer["high"]
    np.testing.assert_allclose(layer["low"] + pixels(layer["units"]) * step, hidden[0], atol=step)


def test_two_networks_and_the_digits_that_they_read_differently(learner, digits):
    other = Learner(Experiment(hidden=(8,), digits=100), digits)
    found = compare(learner, other)
    a, b = (each.outputs(each.test_input)[-1].argmax(axis=1) for each in (learner, other))
    assert found["n_changed"] == (a != b).sum()
    assert len(found["changed"]) == 24
    assert found["is_significant"]
    assert found["words"].startswith("A reads ")
    same = compare(learner, learner)
    assert (same["n_changed"], same["p"], same["is_significant"]) == (0, 1.0, False)
