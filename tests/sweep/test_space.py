"""A search space is read with suspicion: what a recipe cannot have is told by its knob."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import RecipeError
from tendigits.model.recipe import Recipe, load_recipe
from tendigits.sweep.space import Choices, Range, changed, read_space

SPACE = """
learning_rate = { low = 1e-4, high = 1e-2, log = true }
batch_size = [32, 64, 128]
hidden = [[512, 512], [256, 256, 256]]
epochs = { low = 2, high = 9 }
batch_norm = [true, false]

[augmentation]
shift = { low = 0.0, high = 3.0 }
"""


class Random:
    """Chooses at random, as Optuna would at first, and remembers."""

    def __init__(self, seed: int) -> None:
        self.rng, self.chosen = random.Random(seed), {}

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        return self.chosen.setdefault(name, self.rng.choice(choices))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int:
        return self.chosen.setdefault(name, self.rng.randint(low, high))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        return self.chosen.setdefault(name, self.rng.uniform(low, high))


@pytest.fixture
def read(tmp_path):
    def call(text: str):
        (tmp_path / "space.toml").write_text(text)
        return read_space(tmp_path / "space.toml", Recipe())

    return call


def test_choices_and_ranges(read):
    space = read(SPACE)
    assert space.knobs == {
        "learning_rate": Range(1e-4, 1e-2, log=True),
        "batch_size": Choices((32, 64, 128)),
        "hidden": Choices(((512, 512), (256, 256, 256))),
        "epochs": Range(2, 9, log=False),
        "batch_norm": Choices((True, False)),
        "augmentation.shift": Range(0.0, 3.0, log=False),
    }


@given(st.integers(0, 10**6))
def test_whatever_is_chosen_is_a_recipe_and_can_be_made_again(seed):
    knobs = {
        "batch_size": Choices((32, 64)), "hidden": Choices(((64,), (32, 32))), "epochs": Range(2, 9, log=False),
        "dropout": Range(0.0, 0.5, log=False), "augmentation.rotate": Range(0.0, 20.0, log=False),
    }  # fmt: skip
    from tendigits.sweep.space import Space

    space, chooser = Space(knobs), Random(seed)
    changes = space.choose(chooser)
    recipe = changed(load_recipe("mlp"), changes, "a")
    assert recipe.batch_size in (32, 64)
    assert recipe.hidden in ((64,), (32, 32))
    assert isinstance(recipe.epochs, int)
    assert recipe.augmentation.shift == load_recipe("mlp").augmentation.shift  # what is not searched stays
    remembered = json.loads(json.dumps(chooser.chosen))  # as a database gives it back
    assert changed(load_recipe("mlp"), space.changes(remembered), "a") == recipe


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected at least one knob"),
        ("x =", "cannot read the space"),
        ("learning_rat = [0.1, 0.2]", "the knob 'learning_rat' is unknown; did you mean 'learning_rate'?"),
        ("quux = [0.1, 0.2]", "the knob 'quux' is unknown; knobs are convolutions, hidden"),
        ("seed = [1, 2]", "the knob 'seed' is unknown"),
        ("name = ['a', 'b']", "the knob 'name' is unknown"),
        ("dropout = 0.5", "expected for 'dropout' several values"),
        ("dropout = [0.5]", "expected for 'dropout' several values"),
        ("dropout = { low = 0.5, high = 0.1 }", "expected for 'dropout' several values"),
        ("dropout = { low = 0.1, hihg = 0.5 }", "expected for 'dropout' several values"),
        ("dropout = { low = 0.1, high = 0.5, step = 0.1 }", "expected for 'dropout' several values"),
        ("dropout = { low = 0.0, high = 0.5, log = true }", "expected for 'dropout' several values"),
        ("dropout = { low = false, high = true }", "expected for 'dropout' several values"),
        ("dropout = { low = 0.1, high = 1.5 }", "recipe field 'dropout': expected"),
        ("epochs = [0, 3]", "recipe field 'epochs': expected"),
        ("augmentation = 3", r"expected a table \[augmentation\] of knobs"),
        ("[augmentation]\nshift = { low = -1.0, high = 1.0 }", "recipe field 'augmentation.shift'"),
        ("[augmentation]\nslant = [1, 2]", "the knob 'augmentation.slant' is unknown"),
    ],
)
def test_what_is_impossible_is_told(read, text, said):
    with pytest.raises(RecipeError, match=said):
        read(text)


def test_a_missing_file(tmp_path):
    with pytest.raises(RecipeError, match="cannot read the space"):
        read_space(tmp_path / "none.toml", Recipe())


@given(st.text(max_size=60))
def test_any_text_is_a_space_or_an_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("space") / "space.toml"
    path.write_text(text)
    try:
        assert read_space(path, Recipe()).knobs
    except RecipeError as error:
        assert "\n" not in str(error).replace(text, "")
