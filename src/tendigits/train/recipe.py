"""A recipe: every knob of a training, with its default and reason, frozen, validated and saved with the run.

recipe = Recipe(epochs=3)                  # classic, but three epochs
recipe = load_recipe("classic")            # by name
recipe = load_recipe("mine.toml")          # a file that names only what differs
"""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tendigits.errors import RecipeError

Activation = Literal["relu", "gelu", "silu", "elu", "tanh", "sigmoid"]
Optimizer = Literal["adam", "adamw", "nadam", "rmsprop", "sgd"]
Loss = Literal["categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence", "mean_squared_error"]
Metric = Literal["accuracy", "top_k_categorical_accuracy", "mean_squared_error"]
Monitor = Literal["val_loss", "val_accuracy"]


class Recipe(BaseModel):
    """All knobs of a training. The defaults are the classic walk-through's, number for number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "classic"
    """What the table of runs calls it."""

    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=16384)], ...], Field(max_length=32)] = (512, 512)
    """Units of each hidden Dense layer; none is a linear classifier."""

    activation: Activation = "relu"
    """Of the hidden layers; the last is always softmax."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of each hidden layer's outputs that a training step sets to zero."""

    optimizer: Optimizer = "adam"
    """Keras' name of it; all else about it is Keras' default."""

    learning_rate: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 0.001
    """Keras' own default for Adam."""

    loss: Loss = "categorical_crossentropy"
    """Keras' name of it; the labels are one-hot."""

    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)] = ("accuracy",)
    """Shown and kept for each epoch; accuracy is always the first."""

    batch_size: Annotated[int, Field(ge=1, le=65536)] = 32
    """Digits in one step: 1,875 steps an epoch on MNIST."""

    epochs: Annotated[int, Field(ge=1, le=10000)] = 15
    """At most so many; early stopping ends before."""

    monitor: Monitor = "val_loss"
    """What early stopping and "the best epoch" look at."""

    patience: Annotated[int, Field(ge=0, le=10000)] = 2
    """Epochs without an improvement before training stops."""

    restore_best: bool = True
    """Keep the weights of the best epoch. Keras' own default keeps the last, `patience` epochs past the best."""

    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of the training digits to validate on. 0 validates on the test set, as the walk-through does."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Of the initial weights, the dropout masks, the order of the digits and the held-out share."""

    def __init__(self, **knobs: Any) -> None:
        """Check every knob. Raises RecipeError, naming the field, what was expected and what was received."""
        try:
            super().__init__(**{key: tuple(v) if isinstance(v, list) else v for key, v in knobs.items()})
        except ValidationError as error:
            raise RecipeError("; ".join(_explain(dict(e)) for e in error.errors())) from None
        if self.metrics[0] != "accuracy" or len(set(self.metrics)) < len(self.metrics):
            raise RecipeError(
                f"recipe field 'metrics': expected 'accuracy' first and each metric once, received {list(self.metrics)}"
            )

    def with_changes(self, **knobs: Any) -> "Recipe":
        """The same recipe with some knobs changed, checked again. Raises RecipeError."""
        return Recipe(**{**self.model_dump(), **knobs})

    def differences(self, other: "Recipe") -> dict[str, tuple[Any, Any]]:
        """Field -> (own value, other's value), for the fields that differ."""
        mine, theirs = self.model_dump(), other.model_dump()
        return {key: (mine[key], theirs[key]) for key in mine if mine[key] != theirs[key]}


RECIPES = {"classic": Recipe()}
"""The recipes known by name."""


def load_recipe(name_or_file: str) -> Recipe:
    """A recipe by its name, or from a TOML file whose keys are fields of `Recipe`.

    Raises:
        RecipeError: no such recipe or file, not TOML, an unknown key or an impossible value.
    """
    if name_or_file in RECIPES:
        return RECIPES[name_or_file]
    path = Path(name_or_file)
    if path.suffix != ".toml":
        raise RecipeError(f"expected a known recipe ({', '.join(RECIPES)}) or a .toml file, received {name_or_file!r}")
    try:
        knobs = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"cannot read recipe {path}: {error.strerror}; known recipes: {', '.join(RECIPES)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path} is not TOML: {error}") from None
    try:
        return Recipe(**{"name": _as_name(path.stem), **knobs})
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _as_name(stem: str) -> str:
    """A file's name as a recipe's name: only what a recipe's name may hold."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem).lstrip("._-")[:64] or "mine"


def _explain(error: dict[str, Any]) -> str:
    """One of pydantic's errors in our words: the field, what was expected, what was received."""
    field = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(field, Recipe.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"fields are {', '.join(Recipe.model_fields)}"
        return f"recipe field {field!r} is unknown; {hint}"
    expected = str(error["msg"]).removeprefix("Input should be ").removeprefix("a valid ")
    if error["type"] == "string_pattern_mismatch":
        expected = "letters, digits, '.', '_' and '-', at most 64, a letter or digit first"
    return f"recipe field {field!r}: expected {expected}, received {error['input']!r}"


def choices(literal: Any) -> list[str]:
    """The values that a Literal type allows."""
    return list(get_args(literal))
