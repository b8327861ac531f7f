import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tendigits.errors import RecipeError
from tendigits.model.recipe import Recipe
from tendigits.model.recipe_files import load_recipe
from tendigits.sweep.space import read_space, with_values

SPACE = """
learning_rate = { low = 1e-4, high = 1e-2, log = true }
batch_size = [32, 64, 128]
hidden = [[512, 512], [256, 256, 256]]
epochs = { low = 2, high = 9 }
batch_norm = [true, false]
dropout = { low = 0, high = 0.5 }

[augmentation]
shift = { low = 0.0, high = 3.0 }
"""


@pytest.fixture
def read(tmp_path):
    def call(text: str, recipe: Recipe | None = None):
        (tmp_path / "space.toml").write_text(text)
        return read_space(tmp_path / "space.toml", recipe or Recipe())

    return call


def test_choices_and_ranges(read):
    assert read(SPACE) == {
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
        "batch_size": CategoricalDistribution([32, 64, 128]),
        "hidden": CategoricalDistribution(["[512, 512]", "[256, 256, 256]"]),
        "epochs": IntDistribution(2, 9),
        "batch_norm": CategoricalDistribution([True, False]),
        "dropout": FloatDistribution(0, 0.5),
        "augmentation.shift": FloatDistribution(0.0, 3.0),
    }


def test_whatever_optuna_proposes_is_a_valid_recipe(read):
    recipe = load_recipe("mlp")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    space = read(SPACE, recipe)
    proposed = [with_values(recipe, study.ask(space).params, "a") for _ in range(20)]
    assert {each.hidden for each in proposed} == {(512, 512), (256, 256, 256)}
    assert {type(each.epochs) for each in proposed} == {int}
    assert len({each.augmentation.shift for each in proposed}) == 20
    assert {each.augmentation.rotate for each in proposed} == {recipe.augmentation.rotate}  # not searched


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected at least one setting"),
        ("learning_rat = [0.1, 0.2]", "'learning_rat' is unknown; did you mean 'learning_rate'?"),
        ("seed = [1, 2]", "the setting 'seed' cannot be searched"),
        ("dropout = { low = 0.5, high = 0.1 }", "expected for 'dropout' several values"),
        ("dropout = { low = 0.1, high = 1.5 }", "recipe field 'dropout': expected"),
        ("augmentation = 3", r"expected a table \[augmentation\] of settings"),
        ("[augmentation]\nshift = { low = -1.0, high = 1.0 }", "recipe field 'augmentation.shift'"),
    ],
)
def test_an_invalid_space(read, text, message):
    with pytest.raises(RecipeError, match=message):
        read(text)


VALUES = st.recursive(
    st.sampled_from([0, -1, 0.5, 1e308, float("inf"), float("nan"), True, "relu", "[8]", 10**30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["low", "high", "log"]), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["dropout", "hidden", "augmentation", "loss"]), VALUES, max_size=3))
def test_any_content_is_a_space_or_an_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "space.toml"
    path.write_text("".join(f"{name} = {toml(value)}\n" for name, value in content.items()))
    try:
        assert read_space(path, Recipe())
    except RecipeError as error:
        assert str(path) in str(error)


def toml(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool | float) else repr(value)
