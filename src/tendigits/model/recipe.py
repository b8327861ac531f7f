"""A recipe: every knob of a training, with its default and reason, frozen, validated and saved with the run.

recipe = Recipe(epochs=3)                  # classic, but three epochs
recipe = load_recipe("classic")            # by name
recipe = load_recipe("mine.toml")          # a file that names only what differs
"""

import difflib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tendigits.errors import RecipeError

Activation = Literal["relu", "gelu", "silu", "elu", "tanh", "sigmoid"]
Optimizer = Literal["adam", "adamw", "nadam", "rmsprop", "sgd"]
Loss = Literal["categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence", "mean_squared_error"]
Metric = Literal["accuracy", "top_k_categorical_accuracy", "mean_squared_error"]
Monitor = Literal["val_loss", "val_accuracy"]
Schedule = Literal["constant", "one-cycle"]
Convolutions = tuple[Annotated[str, Field(pattern=r"^[1-9]\d{0,3}(x[1-9])?(/[1-4])?$")], ...]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Augmentation(BaseModel):
    """How far each digit is changed in each training step; all zeros leave it as it is. Never a mirror flip."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    shift: Annotated[float, Field(ge=0, lt=14, allow_inf_nan=False)] = 0.0
    """Pixels of 28, either way along each axis at most; from 14 on a digit may leave the image."""

    rotate: Annotated[float, Field(ge=0, le=45, allow_inf_nan=False)] = 0.0
    """Degrees, either way at most: a 6 that turns further becomes a 9."""

    scale: Annotated[float, Field(ge=0, lt=0.5, allow_inf_nan=False)] = 0.0
    """Larger or smaller along each axis by this share at most."""

    shear: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    """Slant: the top moves to a side by this share of the height at most."""

    elastic: Annotated[float, Field(ge=0, le=8, allow_inf_nan=False)] = 0.0
    """Smooth random shifts: their standard deviation in pixels (Simard, Steinkraus, Platt, 2003)."""

    thickness: Share = 0.0
    """How far strokes become as thick, or as thin, as one pixel on each side makes them, at most."""

    contrast: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    """By which share ink is paler at most."""

    noise: Share = 0.0
    """Added to or taken from each pixel at most, of 1."""


class Recipe(BaseModel):
    """All knobs of a training. The defaults are the classic walk-through's, number for number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "classic"
    """What the table of runs calls it."""

    convolutions: Annotated[Convolutions, Field(max_length=16)] = ()
    """Before the hidden layers: filters, x kernel (3), / stride (1), such as "32x5/2". None in classic."""

    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=16384)], ...], Field(max_length=32)] = (512, 512)
    """Units of each hidden Dense layer; none is a linear classifier."""

    activation: Activation = "relu"
    """Of the hidden layers; the last is always softmax."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of each hidden layer's outputs that a training step sets to zero."""

    batch_norm: bool = False
    """Batch normalisation before the activation of each hidden layer; convolutions always have it."""

    optimizer: Optimizer = "adam"
    """Keras' name of it; what is not said here about it is Keras' default."""

    learning_rate: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 0.001
    """Keras' own default for Adam; with a schedule, its highest."""

    schedule: Schedule = "constant"
    """one-cycle: up to the learning rate in the first quarter of all steps, then down along a cosine (Smith, 2018)."""

    weight_decay: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    """Share of each weight that a step takes away, times the learning rate (Loshchilov, Hutter, 2019)."""

    ema_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Momentum of a moving average of the weights, which is what is validated and kept; 0 keeps the weights."""

    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the label's one that is spread over all ten digits."""

    loss: Loss = "categorical_crossentropy"
    """Keras' name of it; the labels are one-hot."""

    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)] = ("accuracy",)
    """Shown and kept for each epoch; accuracy is always the first."""

    augmentation: Augmentation = Augmentation()
    """What is done to the digits in each step."""

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

    validation_split: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of the training digits to validate on, the same ones for every seed. 0 validates on the test set, as the
    walk-through does."""

    ensemble_size: Annotated[int, Field(ge=1, le=32)] = 1
    """Networks that are trained one after the other, each with its own seed, and whose answers are averaged."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Of the initial weights, the dropout masks, the order of the digits and how they are changed."""

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
        if self.label_smoothing and not self.loss.startswith("categorical"):
            raise RecipeError(
                f"recipe field 'label_smoothing': expected 0 with the loss {self.loss}, "
                f"received {self.label_smoothing}; take categorical_crossentropy"
            )

    def with_changes(self, **knobs: Any) -> "Recipe":
        """The same recipe with some knobs changed, checked again. Raises RecipeError."""
        return Recipe(**{**self.model_dump(), **knobs})

    def flat(self) -> dict[str, Any]:
        """Every knob by its name; those of `augmentation` as "augmentation.shift"."""
        knobs = self.model_dump()
        augment = knobs.pop("augmentation")
        return knobs | {f"augmentation.{knob}": value for knob, value in augment.items()}

    @property
    def convolution_layers(self) -> list["Convolution"]:
        """The convolutions, read."""
        return [Convolution.of(text) for text in self.convolutions]

    def differences(self, other: "Recipe") -> dict[str, tuple[Any, Any]]:
        """Knob -> (own value, other's value), for the knobs that differ."""
        mine, theirs = self.flat(), other.flat()
        return {key: (mine[key], theirs[key]) for key in mine if mine[key] != theirs[key]}


@dataclass(frozen=True)
class Convolution:
    """A convolutional layer: `filters` kernels of `kernel` x `kernel`, every `stride` pixels."""

    filters: int
    kernel: int
    stride: int

    @classmethod
    def of(cls, text: str) -> "Convolution":
        """From "32", "32x5", "32/2" or "32x5/2"; 3x3 and every pixel where they are not said."""
        size, _, stride = text.partition("/")
        filters, _, kernel = size.partition("x")
        return cls(int(filters), int(kernel or 3), int(stride or 1))


def load_recipe(name_or_file: str) -> Recipe:
    """A recipe by its name, or from a TOML file whose keys are fields of `Recipe`.

    Raises:
        RecipeError: no such recipe or file, not TOML, an unknown key or an impossible value.
    """
    if name_or_file in RECIPES:
        return RECIPES[name_or_file]
    path = Path(name_or_file)
    if path.suffix != ".toml":
        near = difflib.get_close_matches(name_or_file, RECIPES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise RecipeError(
            f"expected a known recipe ({', '.join(RECIPES)}) or a .toml file, received {name_or_file!r}{hint}"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"cannot read recipe {path}: {error.strerror}; known recipes: {', '.join(RECIPES)}") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"recipe {path} is not TOML: {error}") from None
    return _from_toml(text, path.stem, f"{path}")


def _from_toml(text: str, stem: str, source: str) -> Recipe:
    try:
        knobs = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"recipe {source} is not TOML: {error}") from None
    try:
        return Recipe(**{"name": _as_name(stem), **knobs})
    except RecipeError as error:
        raise RecipeError(f"{source}: {error}") from None


def _as_name(stem: str) -> str:
    """A file's name as a recipe's name: only what a recipe's name may hold."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem).lstrip("._-")[:64] or "mine"


def _explain(error: dict[str, Any]) -> str:
    """One of pydantic's errors in our words: the field, what was expected, what was received."""
    place = [str(part) for part in error["loc"] if isinstance(part, str)]
    field = ".".join(place)
    if error["type"] == "extra_forbidden":
        fields = Augmentation.model_fields if len(place) > 1 else Recipe.model_fields
        near = difflib.get_close_matches(place[-1], fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"fields are {', '.join(fields)}"
        return f"recipe field {field!r} is unknown; {hint}"
    expected = str(error["msg"]).removeprefix("Input should be ").removeprefix("a valid ")
    if error["type"] == "string_pattern_mismatch":
        names = "letters, digits, '.', '_' and '-', at most 64, a letter or digit first"
        expected = "filters, x kernel, / stride, such as '32x5/2'" if field == "convolutions" else names
    return f"recipe field {field!r}: expected {expected}, received {error['input']!r}"


def _packaged() -> dict[str, str]:
    """The files of the package's recipes, classic first: each a small one that says only what differs from it."""
    found = {}
    for path in (files("tendigits.model") / "recipes").iterdir():
        if path.name.endswith(".toml"):
            found[path.name.removesuffix(".toml")] = path.read_text(encoding="utf-8")
    return dict(sorted(found.items(), key=lambda item: (item[0] != "classic", item[0])))


def _about(text: str) -> str:
    """The comment that a recipe's file begins with."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return " ".join(line.removeprefix("#").strip() for line in lines)


RECIPES = {name: _from_toml(text, name, f"{name}.toml") for name, text in _packaged().items()}
"""The recipes known by name."""

ABOUT = {name: _about(text) for name, text in _packaged().items()}
"""What each of them is."""
