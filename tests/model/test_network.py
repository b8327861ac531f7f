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


def test_the_classic_network_is_the_walk_through():
    model = build_network(Recipe())
    kinds = [(type(layer).__name__, layer.count_params()) for layer in model.layers]
    assert kinds == [("Dense", 401_920), ("Dropout", 0), ("Dense", 262_656), ("Dropout", 0), ("Dense", 5_130)]
    assert model.count_params() == count_parameters(Recipe()) == 669_706
    assert [layer.activation.__name__ for layer in model.layers[::2]] == ["relu", "relu", "softmax"]
    assert [layer.rate for layer in model.layers[1::2]] == [0.2, 0.2]
    assert isinstance(model, keras.Sequential)


def test_summary_shows_every_number():
    text = summary(build_network(Recipe()))
    for number in ("401,920", "262,656", "5,130", "Total params: 669,706"):
        assert number in text
    assert max(map(len, text.splitlines())) <= 79


@pytest.mark.parametrize("hidden", [(), (7,), (30, 20, 10)])
def test_any_depth(hidden):
    model = build_network(Recipe(hidden=hidden))
    assert model.count_params() == count_parameters(Recipe(hidden=hidden))
    answers = model.predict(np.random.default_rng(0).random((5, 784), np.float32), verbose=0)
    assert answers.shape == (5, 10)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)


def test_weights_depend_on_the_seed_alone():
    recipe = Recipe(hidden=(16, 16))
    first = build_network(recipe).get_weights()
    keras.utils.set_random_seed(99)
    np.random.default_rng().random()
    second = build_network(recipe).get_weights()
    other = build_network(recipe.with_changes(seed=1)).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[2][:10, :10], first[0][:10, :10])


def test_the_largest_seed_works():
    build_network(Recipe(hidden=(4,), seed=2**32 - 1))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "nadam", "rmsprop", "sgd"])
def test_compile(optimizer):
    recipe = Recipe(hidden=(4,), optimizer=optimizer, learning_rate=0.01)
    model = compile_network(build_network(recipe), recipe)
    assert type(model.optimizer).__name__.lower() == optimizer
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert model.loss == "categorical_crossentropy"


def test_odd_names_are_no_trouble():
    assert build_network(Recipe(name="a.b-c", hidden=(4,))).name == "a_b_c"


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(convolutions=("4x5/2", "6", "8/3"), hidden=()),
        Recipe(convolutions=("4x2/4",), hidden=(12,)),
        Recipe(hidden=(9, 8, 7), batch_norm=True),
    ],
)
def test_convolutions_and_normalisation(recipe):
    model = build_network(recipe)
    assert model.count_params() == count_parameters(recipe)
    answers = model.predict(np.random.default_rng(0).random((5, 784), np.float32), verbose=0)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    again = build_network(recipe)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(hidden=(12,) * 24, residual=True),
        Recipe(hidden=(9, 9, 5, 7), residual=True, batch_norm=True),
        Recipe(convolutions=("4x5/4",), hidden=(6, 6), residual=True, activation="gelu"),
    ],
)
def test_skip_connections(recipe):
    model = build_network(recipe)
    assert not isinstance(model, keras.Sequential)
    assert model.count_params() == count_parameters(recipe)
    again = build_network(recipe)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_a_network_with_skip_connections_is_saved_and_exported(tmp_path):
    recipe = Recipe(hidden=(9, 9, 5), residual=True, batch_norm=True)
    model = compile_network(build_network(recipe), recipe)
    x, y = np.random.default_rng(0).random((20, 784), np.float32), np.eye(10, dtype=np.float32)[[*range(10)] * 2]
    model.train_on_batch(x, y)
    expected = model.predict(x, verbose=0)
    for saved in save_model(model, tmp_path, x):
        np.testing.assert_allclose(load_model(saved.path).predict(x, verbose=0), expected, atol=1e-6)
    assert_same(model)


def test_without_their_branches_residual_blocks_are_one_layer():
    """Oracle: the sum is what the first layer gave, so the network is that of one hidden layer."""
    deep = build_network(Recipe(hidden=(8,) * 5, residual=True, dropout=0.0))
    one = build_network(Recipe(hidden=(8,), dropout=0.0))
    dense = [layer for layer in deep.layers if isinstance(layer, keras.layers.Dense)]
    for layer in dense[1:-1]:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    one.set_weights(dense[0].get_weights() + dense[-1].get_weights())
    x = np.random.default_rng(0).random((20, 784), np.float32)
    np.testing.assert_allclose(deep.predict(x, verbose=0), one.predict(x, verbose=0), atol=1e-6)


def test_the_gradient_reaches_the_first_of_24_layers():
    x, y = np.random.default_rng(0).random((50, 784), np.float32), np.eye(10, dtype=np.float32)[[*range(10)] * 5]

    def gradient(residual: bool) -> float:
        """Mean absolute gradient of the first layer's weights."""
        model = build_network(Recipe(hidden=(64,) * 24, residual=residual, dropout=0.0))

        def loss(values):
            predicted, _ = model.stateless_call(values, [v.value for v in model.non_trainable_variables], x)
            return keras.losses.categorical_crossentropy(y, predicted).mean()

        return float(abs(jax.grad(loss)([v.value for v in model.trainable_variables])[0]).mean())

    assert gradient(residual=True) > 100 * gradient(residual=False)


def test_a_model_of_mixed_precision_can_predict_in_float32(tmp_path):
    recipe = Recipe(hidden=(9, 5), batch_norm=True)
    model, exact = build_network(recipe), build_network(recipe)
    for layer in model.layers[:-1]:
        layer.dtype_policy = "mixed_bfloat16"
    compile_network(model, recipe)
    x, y = np.random.default_rng(0).random((20, 784), np.float32), np.eye(10, dtype=np.float32)[[*range(10)] * 2]
    model.train_on_batch(x, y)
    exact.set_weights(model.get_weights())
    for saved in save_model(model, tmp_path, x):
        np.testing.assert_array_equal(predict(load_model(saved.path), x), predict(model, x))
        np.testing.assert_array_equal(predict(in_float32(load_model(saved.path)), x), predict(exact, x))


def test_a_one_cycle_rises_and_falls():
    recipe = Recipe(schedule="one-cycle", learning_rate=0.004)
    rates = [float(rate(recipe, 1000)(step)) for step in (0, 125, 250, 625, 1000)]
    assert rates == pytest.approx([0.00004, 0.00202, 0.004, 0.00202, 0.00004], rel=1e-3)
    assert rate(Recipe(), 1000) == 0.001


def test_the_optimizer_and_the_loss_have_the_recipes_settings():
    recipe = Recipe(hidden=(4,), optimizer="adamw", weight_decay=0.02, ema_momentum=0.9, label_smoothing=0.1)
    model = compile_network(build_network(recipe), recipe)
    optimizer = model.optimizer
    assert (optimizer.weight_decay, optimizer.use_ema, optimizer.ema_momentum) == (0.02, True, 0.9)
    assert model.loss.get_config()["label_smoothing"] == 0.1
    assert compile_network(build_network(recipe), Recipe()).optimizer.weight_decay is None


def test_smoothed_labels_need_a_loss_that_knows_them():
    for loss in ("categorical_crossentropy", "categorical_focal_crossentropy"):
        model = compile_network(build_network(Recipe(hidden=())), Recipe(loss=loss, label_smoothing=0.1))
        assert type(model.loss).__name__.lower() == loss.replace("_", "")
