import keras
import numpy as np
import pytest

from tendigits.model.file import load_model, save_model
from tendigits.model.network import build_network, compile_network, count_parameters, in_float32, predict, rate, summary
from tendigits.model.recipe import Recipe

X = np.random.default_rng(0).random((20, 784), np.float32)
Y = np.eye(10, dtype=np.float32)[[*range(10)] * 2]


def test_the_classic_network_is_that_of_the_tutorial():
    model = build_network(Recipe())
    kinds = [(type(layer).__name__, layer.count_params()) for layer in model.layers]
    assert kinds == [("Dense", 401_920), ("Dropout", 0), ("Dense", 262_656), ("Dropout", 0), ("Dense", 5_130)]
    assert [layer.activation.__name__ for layer in model.layers[::2]] == ["relu", "relu", "softmax"]
    assert [layer.rate for layer in model.layers[1::2]] == [0.2, 0.2]
    assert isinstance(model, keras.Sequential)
    text = summary(model)
    for number in ("401,920", "262,656", "5,130", "Total params: 669,706"):
        assert number in text
    assert max(map(len, text.splitlines())) <= 79


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(hidden=(), seed=2**32 - 1),
        Recipe(hidden=(30, 20, 10), name="a.b-c"),
        Recipe(convolutions=("4x5/2", "6", "8/3"), hidden=()),
        Recipe(convolutions=("4x2/4",), hidden=(12,)),
        Recipe(hidden=(9, 8, 7), batch_norm=True),
        Recipe(hidden=(12,) * 24, residual=True),
        Recipe(hidden=(9, 9, 5, 7), residual=True, batch_norm=True),
        Recipe(convolutions=("4x5/4",), hidden=(6, 6), residual=True, activation="gelu"),
    ],
)
def test_parameters_outputs_and_reproducible_weights(recipe):
    model, again = build_network(recipe), build_network(recipe)
    assert model.count_params() == count_parameters(recipe)
    np.testing.assert_allclose(model.predict(X, verbose=0).sum(axis=1), 1, rtol=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_weights_depend_on_the_seed_alone():
    recipe = Recipe(hidden=(16, 16))
    first = build_network(recipe).get_weights()
    keras.utils.set_random_seed(99)
    second, other = (build_network(recipe.with_changes(seed=seed)).get_weights() for seed in (recipe.seed, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[2][:10, :10], first[0][:10, :10])


def test_without_their_branches_residual_blocks_are_one_layer():
    """Oracle: the sum is what the first layer gave, so the network is that of one hidden layer."""
    deep = build_network(Recipe(hidden=(8,) * 5, residual=True, dropout=0.0))
    one = build_network(Recipe(hidden=(8,), dropout=0.0))
    dense = [layer for layer in deep.layers if isinstance(layer, keras.layers.Dense)]
    for layer in dense[1:-1]:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    one.set_weights(dense[0].get_weights() + dense[-1].get_weights())
    np.testing.assert_allclose(deep.predict(X, verbose=0), one.predict(X, verbose=0), atol=1e-6)


def test_a_saved_model_of_mixed_precision_with_skip_connections_can_predict_in_float32(tmp_path):
    recipe = Recipe(hidden=(9, 9, 5), residual=True, batch_norm=True)
    model, exact = build_network(recipe), build_network(recipe)
    for layer in model.layers[:-1]:
        layer.dtype_policy = "mixed_bfloat16"
    compile_network(model, recipe)
    model.train_on_batch(X, Y)
    exact.set_weights(model.get_weights())
    for saved in save_model(model, tmp_path, X):
        np.testing.assert_array_equal(predict(load_model(saved.path), X), predict(model, X))
        np.testing.assert_array_equal(predict(in_float32(load_model(saved.path)), X), predict(exact, X))


def test_a_one_cycle_rises_and_falls():
    recipe = Recipe(schedule="one-cycle", learning_rate=0.004)
    rates = [float(rate(recipe, 1000)(step)) for step in (0, 125, 250, 625, 1000)]
    assert rates == pytest.approx([0.00004, 0.00202, 0.004, 0.00202, 0.00004], rel=1e-3)
    assert rate(Recipe(), 1000) == 0.001


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "nadam", "rmsprop", "sgd"])
def test_the_optimizer_has_the_recipes_settings(optimizer):
    recipe = Recipe(hidden=(), optimizer=optimizer, learning_rate=0.01)
    model = compile_network(build_network(recipe), recipe)
    assert type(model.optimizer).__name__.lower() == optimizer
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert (model.loss, model.optimizer.weight_decay) == (
        "categorical_crossentropy",
        0.004 if optimizer == "adamw" else None,
    )
    found = compile_network(model, recipe.with_changes(weight_decay=0.02, ema_momentum=0.9)).optimizer
    assert (found.weight_decay, found.use_ema, found.ema_momentum) == (0.02, True, 0.9)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "nadam"])
def test_adam_has_the_recipes_betas(optimizer):
    recipe = Recipe(hidden=(), optimizer=optimizer, beta_1=0.7, beta_2=0.9)
    found = compile_network(build_network(recipe), recipe).optimizer
    assert (found.beta_1, found.beta_2) == (0.7, 0.9)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "categorical_focal_crossentropy"])
def test_labels_are_smoothed(loss):
    model = compile_network(build_network(Recipe(hidden=())), Recipe(loss=loss, label_smoothing=0.1))
    assert type(model.loss).__name__.lower() == loss.replace("_", "")
    assert model.loss.get_config()["label_smoothing"] == 0.1
