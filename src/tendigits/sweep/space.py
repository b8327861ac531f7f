"""A search space: the choices, or the range, of some settings of a recipe, in a small TOML file.

    learning_rate = { low = 1e-4, high = 1e-2, log = true }
    batch_size = [32, 64, 128]

    [augmentation]
    shift = { low = 0.0, high = 3.0 }

space = read_space(Path("space.toml"), recipe)      # an Optuna distribution for each setting
proposed = with_values(recipe, trial.params, "trial-3")
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tendigits.errors import RecipeError, reason_of
from tendigits.model.recipe import Recipe
from tendigits.untrusted import read_toml

TABLE = "augmentation"  # the recipe's only table; a setting in it is called "augmentation.shift"

Space = dict[str, BaseDistribution]  # setting -> its choices or range


def read_space(path: Path, recipe: Recipe) -> Space:
    """Read a search space, and check every choice and both ends of every range with the recipe.

    Raises RecipeError if the file is missing or not TOML, or has an unknown setting or an invalid value.
    """
    try:
        content = read_toml(path)
    except (OSError, ValueError) as error:
        raise RecipeError(f"cannot read the search space {path}: {reason_of(error)}") from None
    table = content.pop(TABLE, {})
    if not isinstance(table, dict):
        raise RecipeError(f"{path}: expected a table [{TABLE}] of settings, received {table!r}")
    settings = content | {f"{TABLE}.{name}": value for name, value in table.items()}
    if not settings:
        raise RecipeError(f"{path}: expected at least one setting, such as learning_rate = [0.001, 0.003]")
    space = {}
    for name, value in settings.items():
        if name in ("name", "seed"):
            raise RecipeError(f"{path}: the setting {name!r} cannot be searched; leave it out")
        space[name], extremes = _distribution(path, name, value)
        for extreme in extremes:
            try:
                with_values(recipe, {name: extreme}, recipe.name)
            except RecipeError as error:
                raise RecipeError(f"{path}: {error}") from None
    return space


def with_values(recipe: Recipe, values: dict[str, Any], name: str) -> Recipe:
    """The recipe with another name and the values that Optuna proposed. Raises RecipeError."""
    lists = {key: json.loads(value) for key, value in values.items() if str(value).startswith("[")}
    return recipe.with_settings({"name": name} | values | lists)


def _distribution(path: Path, name: str, value: Any) -> tuple[BaseDistribution, list[Any]]:
    """The distribution, and its extremes: if the recipe accepts these values, it accepts all."""
    with suppress(KeyError, TypeError, ValueError):
        if isinstance(value, list) and len(value) > 1:
            # Optuna cannot store lists: they become JSON.
            choices = [v if isinstance(v, bool | int | float | str) else json.dumps(v, default=str) for v in value]
            return CategoricalDistribution(choices), choices
        if set(value) <= {"low", "high", "log"}:
            low, high = value["low"], value["high"]
            kind = IntDistribution if type(low) is type(high) is int else FloatDistribution
            return kind(low, high, value.get("log", False)), [low, high]
    raise RecipeError(
        f"{path}: expected for {name!r} several values, such as [32, 64], or a range, such as "
        f"{{ low = 0.1, high = 0.5 }}, with log = true only if low is positive; received {value!r}"
    )
