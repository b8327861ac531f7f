"""Networks of recipes: their layers, seeds, parameters and compile settings."""

import jax
import keras
import numpy as np
import pytest

from onnx_oracle import assert_same
from tendigits.model.file import load_model, save_model
from tendigits.model.network import (
    build_network,
    compile_network,
    count_parameters,
    in_float32,
    predict,
    rate,
    summary,
)
from tendigits.model.recipe import Recipe


def images(n):
    return np.random.default_rng(0).random((n, 784), np.float32)


def same_weights(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_the_classic_network_is_that_of_the_tutorial():
    model = build_network(Recipe())
    kinds = [(type(layer).__name__, layer.count_params()) for layer in model.layers]
    assert kinds == [("Dense", 401_920), ("Dropout", 0), ("Dense", 262_656), ("Dropout", 0), ("Dense", 5_130)]
    assert model.count_params() == count_parameters(Recipe()) == 669_706
    assert [layer.activation.__name__ for layer in model.layers[::2]] == ["relu", "relu", "softmax"]
    assert [layer.rate for layer in model.layers[1::2]] == [0.2, 0.2]
    assert isinstance(model, keras.Sequential)
    text = summary(model)
    for number in ("401,920", "262,656", "5,130", "Total params: 669,706"):
        assert number in text
    assert max(map(len, text.splitlines())) <= 79


RECIPES = {
    "linear": Recipe(hidden=()),
    "dense": Recipe(hidden=(30, 20, 10)),
    "normalised": Recipe(hidden=(9, 8, 7), batch_norm=True),
    "strides": Recipe(convolutions=("4x5/2", "6", "8/3"), hidden=()),
    "convolution and dense": Recipe(convolutions=("4x2/4",), hidden=(12,)),
    "24 residual": Recipe(hidden=(12,) * 24, residual=True),
    "residual of different widths": Recipe(hidden=(9, 9, 5, 7), residual=True, batch_norm=True),
    "residual after a convolution": Recipe(
        convolutions=("4x5/4",), hidden=(6, 6), residual=True, activation="gelu", name="a.b-c"
    ),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_any_network_predicts_probabilities_and_its_weights_depend_on_the_seed_alone(recipe):
    model = build_network(recipe)
    assert model.count_params() == count_parameters(recipe)
    np.testing.assert_allclose(predict(model, images(5)).sum(axis=1), 1, rtol=1e-5)
    keras.utils.set_random_seed(99)
    assert same_weights(build_network(recipe), model)
    assert not np.array_equal(
        build_network(recipe.with_changes(seed=2**32 - 1)).get_weights()[0], model.get_weights()[0]
    )


def test_a_network_with_skip_connections_is_saved_and_exported(tmp_path):
    recipe = Recipe(hidden=(9, 9, 5), residual=True, batch_norm=True)
    model = compile_network(build_network(recipe), recipe)
    x, y = images(20), np.eye(10, dtype=np.float32)[[*range(10)] * 2]
    model.train_on_batch(x, y)
    expected = predict(model, x)
    for saved in save_model(model, tmp_path, x):
        np.testing.assert_allclose(predict(load_model(saved.path), x), expected, atol=1e-6)
    assert_same(model)


def test_without_their_branches_residual_blocks_are_one_layer():
    """Oracle: the sum is the output of the first layer, so the network equals that of one hidden layer."""
    deep = build_network(Recipe(hidden=(8,) * 5, residual=True, dropout=0.0))
    one = build_network(Recipe(hidden=(8,), dropout=0.0))
    dense = [layer for layer in deep.layers if isinstance(layer, keras.layers.Dense)]
    for layer in dense[1:-1]:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    one.set_weights(dense[0].get_weights() + dense[-1].get_weights())
    np.testing.assert_allclose(predict(deep, images(20)), predict(one, images(20)), atol=1e-6)


def test_with_skip_connections_the_gradient_reaches_the_first_of_24_layers():
    x, y = images(50), np.eye(10, dtype=np.float32)[[*range(10)] * 5]

    def gradient(residual: bool) -> float:
        """Mean absolute gradient of the first layer's weights."""
        model = build_network(Recipe(hidden=(64,) * 24, residual=residual, dropout=0.0))

        def loss(values):
            predicted, _ = model.stateless_call(values, [v.value for v in model.non_trainable_variables], x)
            return keras.losses.categorical_crossentropy(y, predicted).mean()

        return float(abs(jax.grad(loss)([v.value for v in model.trainable_variables])[0]).mean())

    assert gradient(residual=True) > 100 * gradient(residual=False)


@pytest.mark.parametrize("recipe", [Recipe(hidden=(16, 16)), Recipe(hidden=(9, 5), residual=True, batch_norm=True)])
def test_in_bfloat16_only_the_arithmetic_of_the_hidden_layers_is(recipe):
    exact, mixed = build_network(recipe), build_network(recipe.with_changes(precision="bfloat16"))
    *hidden, last = mixed.layers
    assert {layer.compute_dtype for layer in hidden if layer.name != "input_layer"} >= {"bfloat16"}
    assert last.compute_dtype == "float32"
    assert {variable.dtype for variable in mixed.weights} == {"float32"}
    assert same_weights(exact, mixed)
    assert 1e-5 < np.abs(predict(mixed, images(50)) - predict(exact, images(50))).max() < 0.02


def test_a_mixed_network_is_saved_loads_the_same_and_predicts_in_float32_on_request(tmp_path):
    recipe = Recipe(hidden=(9, 5), batch_norm=True, precision="bfloat16")
    model = compile_network(build_network(recipe), recipe)
    x = images(20)
    model.train_on_batch(x, np.eye(10, dtype=np.float32)[[*range(10)] * 2])
    exact = build_network(recipe.with_changes(precision="float32"))
    exact.set_weights(model.get_weights())
    for saved in save_model(model, tmp_path, x):
        np.testing.assert_array_equal(predict(load_model(saved.path), x), predict(model, x))
        np.testing.assert_array_equal(predict(in_float32(load_model(saved.path)), x), predict(exact, x))


def test_a_one_cycle_rises_and_falls():
    recipe = Recipe(schedule="one-cycle", learning_rate=0.004)
    rates = [float(rate(recipe, 1000)(step)) for step in (0, 125, 250, 625, 1000)]
    assert rates == pytest.approx([0.00004, 0.00202, 0.004, 0.00202, 0.00004], rel=1e-3)
    assert rate(Recipe(), 1000) == 0.001


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "nadam", "rmsprop", "sgd"])
def test_optimizer_and_loss_have_the_settings_of_the_recipe(optimizer):
    recipe = Recipe(hidden=(), optimizer=optimizer, learning_rate=0.01, weight_decay=0.02, ema_momentum=0.9)
    model = compile_network(build_network(recipe), recipe)
    found = model.optimizer
    assert type(found).__name__.lower() == optimizer
    assert float(found.learning_rate) == pytest.approx(0.01)
    assert (found.weight_decay, found.use_ema, found.ema_momentum) == (0.02, True, 0.9)
    assert model.loss == "categorical_crossentropy"
    for loss in ("categorical_crossentropy", "categorical_focal_crossentropy"):
        smoothed = compile_network(model, recipe.with_changes(loss=loss, label_smoothing=0.1)).loss
        assert type(smoothed).__name__.lower() == loss.replace("_", "")
        assert smoothed.get_config()["label_smoothing"] == 0.1
