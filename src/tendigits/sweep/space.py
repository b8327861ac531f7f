"""A search space: for some knobs of a recipe the values to choose from, or a range, in a small TOML file.

    learning_rate = { low = 1e-4, high = 1e-2, log = true }
    batch_size = [32, 64, 128]

    [augmentation]
    shift = { low = 0.0, high = 3.0 }

space = read_space("space.toml", recipe)
changed = recipe.with_changes(**space.changes(values))
"""

import difflib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tendigits.errors import RecipeError
from tendigits.model.recipe import Recipe

Value = str | int | float | bool


class Chooser(Protocol):
    """Who proposes values; Optuna's trials do."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of several."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int:
        """A whole number, both ends included."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """A number, both ends included."""


@dataclass(frozen=True)
class Choices:
    """Values to choose from."""

    values: tuple[Any, ...]

    @property
    def ends(self) -> tuple[Any, ...]:
        """All of them must be possible."""
        return self.values

    def choose(self, chooser: Chooser, name: str) -> Any:
        """One of them; what is no plain value goes to the chooser as JSON."""
        plain = all(isinstance(value, Value) for value in self.values)
        names = list(self.values) if plain else [json.dumps(value) for value in self.values]
        return self.from_chosen(chooser.suggest_categorical(name, names))

    def from_chosen(self, chosen: Any) -> Any:
        """The value that a chooser's word stands for."""
        return chosen if chosen in self.values else json.loads(chosen)


@dataclass(frozen=True)
class Range:
    """Every value from `low` to `high`, both included; by their logarithms where `log` is set."""

    low: float
    high: float
    log: bool

    @property
    def ends(self) -> tuple[Any, ...]:
        """Where these two are possible, all between them are."""
        return self.low, self.high

    def choose(self, chooser: Chooser, name: str) -> Any:
        """A whole number where both ends are."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return chooser.suggest_int(name, self.low, self.high, log=self.log)
        return chooser.suggest_float(name, float(self.low), float(self.high), log=self.log)

    def from_chosen(self, chosen: Any) -> Any:
        """The value itself."""
        return chosen


@dataclass(frozen=True)
class Space:
    """Knob -> what it may be; those of `augmentation` as "augmentation.shift"."""

    knobs: dict[str, Choices | Range]

    def choose(self, chooser: Chooser) -> dict[str, Any]:
        """A value for each knob, as `Recipe.with_changes` takes them."""
        return _nested({name: knob.choose(chooser, name) for name, knob in self.knobs.items()})

    def changes(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """The same from what a chooser remembers."""
        return _nested({name: self.knobs[name].from_chosen(value) for name, value in chosen.items()})


def read_space(path: Path, recipe: Recipe) -> Space:
    """Read a space for this recipe, with every end of every range tried on it.

    Raises:
        RecipeError: no such file, not TOML, an unknown knob, or a value that the recipe cannot have.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"cannot read the space {path}: {error}") from None
    flat = {name: value for name, value in content.items() if name != "augmentation"}
    within = content.get("augmentation", {})
    if not isinstance(within, dict):
        raise RecipeError(f"{path}: expected a table [augmentation] of knobs, received {within!r}")
    flat |= {f"augmentation.{name}": value for name, value in within.items()}
    if not flat:
        raise RecipeError(f"{path}: expected at least one knob, such as learning_rate = [0.001, 0.003]")
    knobs = {name: _knob(path, name, value, recipe) for name, value in flat.items()}
    for name, knob in knobs.items():
        for end in knob.ends:
            try:
                recipe.with_changes(**_merged(recipe, _nested({name: end})))
            except RecipeError as error:
                raise RecipeError(f"{path}: {error}") from None
    return Space(knobs)


def changed(recipe: Recipe, changes: dict[str, Any], name: str) -> Recipe:
    """The recipe with changes; what `augmentation` has and they do not stays."""
    return recipe.with_changes(**_merged(recipe, changes), name=name)


def _merged(recipe: Recipe, changes: dict[str, Any]) -> dict[str, Any]:
    if "augmentation" not in changes:
        return changes
    return changes | {"augmentation": recipe.augmentation.model_dump() | changes["augmentation"]}


def _knob(path: Path, name: str, value: Any, recipe: Recipe) -> Choices | Range:
    known = [knob for knob in recipe.flat() if knob not in ("name", "seed")]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"knobs are {', '.join(known)}"
        raise RecipeError(f"{path}: the knob {name!r} is unknown; {hint}")
    if isinstance(value, list) and len(value) > 1:
        return Choices(tuple(tuple(v) if isinstance(v, list) else v for v in value))
    if isinstance(value, dict) and {"low", "high"} <= set(value) <= {"low", "high", "log"}:
        low, high, log = value["low"], value["high"], value.get("log", False)
        numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
        if numbers and low < high and isinstance(log, bool) and (low > 0 or not log):
            return Range(low, high, log)
    raise RecipeError(
        f"{path}: expected for {name!r} several values, such as [32, 64], or a range, such as "
        f"{{ low = 0.1, high = 0.5 }}, with log = true over 0, received {value!r}"
    )


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        table, _, knob = name.rpartition(".")
        if table:
            nested.setdefault(table, {})[knob] = value
        else:
            nested[knob] = value
    return nested
