import keras
import numpy as np
import pytest
from scipy.special import softmax

from tendigits.digits.keras_network import KerasLayers, from_keras
from tendigits.errors import ModelFileError, UserError
from tendigits.read.reader import Reader

layers = keras.layers


@pytest.fixture
def crops(digits) -> np.ndarray:
    return digits.x_test[:20]


def model_of(shape: tuple[int, ...], activation: str = "softmax") -> keras.Model:
    keras.utils.set_random_seed(1)
    hidden = [layers.Dense(12, activation="relu"), layers.Dropout(0.5), layers.Dense(6), layers.ReLU()]
    return keras.Sequential([keras.Input(shape), layers.Flatten(), *hidden, layers.Dense(10, activation=activation)])


@pytest.mark.parametrize("shape", [(784,), (28, 28), (28, 28, 1)])
@pytest.mark.parametrize(("policy", "atol"), [("float32", 1e-6), ("mixed_bfloat16", 0.01)])  # sums to 1 only roughly
def test_probabilities_of_a_model_are_kept(shape, policy, atol, crops):
    model = model_of(shape)
    for layer in model.layers:
        layer.dtype_policy = policy
    expected = np.asarray(model.predict(crops.reshape(-1, *shape) / np.float32(255), verbose=0), np.float32)
    predictions = from_keras(model, "mine")(crops)
    np.testing.assert_allclose(predictions.digits, expected, atol=atol)
    assert (predictions.is_digit == 1).all()


def test_logits_become_probabilities(crops):
    model = model_of((784,), "linear")
    expected = softmax(model.predict(crops.reshape(-1, 784) / np.float32(255), verbose=0), axis=1)
    np.testing.assert_allclose(from_keras(model, "mine")(crops).digits, expected, rtol=1e-4)


def test_a_model_reads_with_the_weights_that_it_has_at_the_time(crops):
    model = model_of((784,))
    reader = Reader(model)
    before = reader.classify(crops)[0].probabilities
    model.layers[-1].set_weights([model.layers[-1].get_weights()[0], 50 * np.eye(10)[7]])
    assert reader.classify(crops)[0].label == 7
    assert before[7] < 0.9


def test_hidden_layers_are_shown_after_their_activation(crops):
    keras.utils.set_random_seed(1)
    convolution, dense = layers.Conv2D(4, 5, strides=2, padding="same", activation="relu"), layers.Dense(6)
    hidden = [convolution, layers.Flatten(), dense, layers.ReLU()]
    model = keras.Sequential([keras.Input((28, 28, 1)), *hidden, layers.Dense(10, "softmax")])
    filters, units = KerasLayers(model)(crops[0])
    assert (filters.name, units.name) == ("convolution 1: 4 x 14 x 14", "hidden layer 1: 6 units")
    outputs = np.asarray(convolution(crops[:1, ..., np.newaxis] / np.float32(255)))[0]
    tiles = np.block([[outputs[..., 0], outputs[..., 1]], [outputs[..., 2], outputs[..., 3]]])
    np.testing.assert_allclose(filters.values, tiles, atol=1e-5)
    expected = np.maximum(outputs.ravel() @ dense.get_weights()[0], 0)
    np.testing.assert_allclose(units.values.ravel(), expected, atol=1e-4)
    assert KerasLayers(keras.Sequential([keras.Input((784,)), layers.Dense(10), layers.Softmax()]))(crops[0]) == []


def test_other_models_are_refused():
    with pytest.raises(ModelFileError, match=r"to \(n, 10\), received one from \(None, 784\) to \(None, 3\)"):
        Reader(keras.Sequential([keras.Input((784,)), layers.Dense(3)]))
    with pytest.raises(ModelFileError, match="is not built; give it an Input"):
        Reader(keras.Sequential([layers.Dense(10)]))
    with pytest.raises(UserError, match="a Keras model or what run_recipe returns, received dict"):
        Reader({})


def test_answers_that_are_not_finite_are_an_error(crops):
    model = model_of((784,))
    network = from_keras(model, "mine")
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    with pytest.raises(ModelFileError, match="mine: expected finite outputs"):
        network(crops)
