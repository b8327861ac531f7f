import keras
import numpy as np
import pytest

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
def test_a_model_is_asked_in_its_own_shape(shape, crops):
    model = model_of(shape)
    expected = model.predict(crops.reshape(-1, *shape) / np.float32(255), verbose=0)
    predictions = from_keras(model, "mine")(crops)
    np.testing.assert_allclose(predictions.digits, expected, atol=1e-6)
    assert (predictions.is_digit == 1).all()


def test_logits_become_probabilities(crops):
    model = model_of((784,), "linear")
    logits = model.predict(crops.reshape(-1, 784) / np.float32(255), verbose=0)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(from_keras(model, "mine")(crops).digits, expected, rtol=1e-4)


def test_a_softmax_in_bfloat16_gives_probabilities_too(crops):
    """Its rows sum to 1 only as well as bfloat16 can: 0.996 or 1.004 are likely."""
    model = model_of((784,))
    for layer in model.layers:
        layer.dtype_policy = "mixed_bfloat16"
    expected = np.asarray(model.predict(crops.reshape(-1, 784) / np.float32(255), verbose=0), np.float32)
    predictions = from_keras(model, "mine")(crops)
    assert predictions.digits.dtype == np.float32
    np.testing.assert_allclose(predictions.digits, expected, atol=0.01)


def test_a_model_reads_with_the_weights_that_it_has_at_the_time(crops):
    model = model_of((784,))
    reader = Reader(model)
    before = reader.classify(crops)[0].probabilities
    bias = np.zeros(10, np.float32)
    bias[7] = 50
    model.layers[-1].set_weights([model.layers[-1].get_weights()[0], bias])
    assert reader.classify(crops)[0].label == 7
    assert before[7] < 0.9


def test_hidden_layers_are_shown_after_their_activation(crops):
    model = model_of((784,))
    first, second = (
        layer.get_weights()
        for layer in model.layers
        if layer.name.startswith("dense") and layer.units < 13 and layer.units != 10
    )
    x = crops[3].reshape(784) / np.float32(255)
    one = np.maximum(x @ first[0] + first[1], 0)
    two = np.maximum(one @ second[0] + second[1], 0)
    shown = KerasLayers(model)(crops[3])
    assert [layer.name for layer in shown] == ["hidden layer 1: 12 units", "hidden layer 2: 6 units"]
    for layer, expected in zip(shown, (one, two), strict=True):
        np.testing.assert_allclose(layer.values.ravel(), expected, atol=1e-5)


def test_a_convolutions_filters_are_tiles(crops):
    keras.utils.set_random_seed(1)
    convolution = layers.Conv2D(4, 5, strides=2, padding="same", activation="relu")
    model = keras.Sequential([keras.Input((28, 28, 1)), convolution, layers.Flatten(), layers.Dense(10, "softmax")])
    outputs = np.asarray(convolution(crops[:1, ..., np.newaxis] / np.float32(255)))[0]
    (shown,) = KerasLayers(model)(crops[0])
    assert shown.name == "convolution 1: 4 x 14 x 14"
    tiles = np.block([[outputs[..., 0], outputs[..., 1]], [outputs[..., 2], outputs[..., 3]]])
    np.testing.assert_allclose(shown.values, tiles, atol=1e-5)


def test_a_model_without_hidden_layers_has_none_to_show(crops):
    model = keras.Sequential([keras.Input((784,)), layers.Dense(10), layers.Softmax()])
    assert KerasLayers(model)(crops[0]) == []


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
