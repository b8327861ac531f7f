import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import RecipeError
from tendigits.model.recipe import Convolution, Recipe
from tendigits.model.recipe_files import RECIPES, load_recipe, to_toml


def test_the_defaults_are_those_of_the_tutorial():
    recipe = Recipe()
    assert (recipe.hidden, recipe.activation, recipe.dropout) == ((512, 512), "relu", 0.2)
    assert (recipe.optimizer, recipe.loss, recipe.metrics) == ("adam", "categorical_crossentropy", ("accuracy",))
    assert (recipe.batch_size, recipe.epochs, recipe.monitor, recipe.patience) == (32, 15, "val_loss", 2)
    assert recipe.validation_split == 0
    assert RECIPES["classic"] == recipe


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"dropout": 1.0}, "recipe field 'dropout': expected less than 1, received 1.0"),
        ({"epochs": True}, "'epochs': expected integer, received True"),
        ({"epoch": 3}, "'epoch' is unknown; did you mean 'epochs'?"),
        ({"zzz": 3}, "'zzz' is unknown; fields are name, convolutions, hidden"),
        ({"learning_rate": float("nan")}, "'learning_rate': expected a finite number, received nan"),
        ({"convolutions": ["32y5"]}, "'convolutions': expected filters, x kernel, / stride, such as '32x5/2'"),
        ({"augmentation": {"elastics": 1.0}}, "'augmentation.elastics' is unknown; did you mean 'elastic'?"),
        ({"label_smoothing": 0.1, "loss": "kl_divergence"}, "'label_smoothing': expected 0 with the loss kl_diverg"),
        ({"optimizer": "sgd", "beta_2": 0.9}, "'beta_2': expected its default 0.999 with the optimizer sgd"),
        ({"name": "../x"}, "'name': expected letters"),
        ({"residual": True, "hidden": [8]}, "'residual': expected at least two hidden layers to connect, received 1"),
        ({"metrics": ["mean_squared_error"]}, "'metrics': expected 'accuracy' first"),
    ],
)
def test_invalid_settings_are_refused(values, reason):
    with pytest.raises(RecipeError, match=re.escape(reason)):
        Recipe(**values)
    with pytest.raises(RecipeError, match=re.escape(reason)):
        Recipe().with_changes(**values)


def test_load_from_a_file_and_write_it_again(tmp_path):
    path = tmp_path / "wide and short.toml"
    path.write_text("hidden = [1024]\nepochs = 4\naugmentation.shift = 2\n")
    recipe = load_recipe(str(path))
    assert recipe == Recipe(name="wide-and-short", hidden=(1024,), epochs=4, augmentation={"shift": 2.0})
    for known in (recipe, *RECIPES.values()):
        again = tmp_path / f"{known.name}.toml"
        again.write_text(to_toml(known))
        assert load_recipe(str(again)) == known


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("clasic", None, "expected a known recipe (classic, "),
        ("none.toml", None, "cannot read recipe"),
        ("bad.toml", b"epochs = ", "is not TOML"),
        ("key.toml", b"epoch = 3", "did you mean 'epochs'?"),
    ],
)
def test_an_invalid_file_is_refused_in_one_line(tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(tmp_path / name) if name.endswith(".toml") else name)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_as_a_file(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("recipe") / "any.toml"
    path.write_bytes(content)
    try:
        load_recipe(str(path))
    except RecipeError as error:
        assert str(path) in str(error)


def test_differences_and_convolutions():
    parsed = [Convolution(8, kernel=3, stride=1), Convolution(16, kernel=5, stride=2)]
    assert Recipe(convolutions=("8", "16x5/2")).convolution_layers == parsed
    recipe = Recipe(epochs=3, augmentation={"shift": 2.0})
    assert recipe.differences(Recipe()) == {"epochs": (3, 15), "augmentation.shift": (2.0, 0.0)}
