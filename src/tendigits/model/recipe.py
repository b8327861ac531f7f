"""A recipe: all hyperparameters of a training with their defaults; frozen, validated and saved with the run.

The docstring of each field is also the help of its command-line option.
"""

import difflib
import re
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)

from tendigits.errors import RecipeError

Activation = Literal["relu", "gelu", "silu", "elu", "tanh", "sigmoid"]
Optimizer = Literal["adam", "adamw", "nadam", "rmsprop", "sgd"]
Loss = Literal["categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence", "mean_squared_error"]
Metric = Literal["accuracy", "top_k_categorical_accuracy", "mean_squared_error"]
Monitor = Literal["val_loss", "val_accuracy"]
Schedule = Literal["constant", "one-cycle"]
Convolutions = tuple[Annotated[str, Field(pattern=r"^[1-9]\d{0,3}(x[1-9])?(/[1-4])?$")], ...]
Fraction = Annotated[float, Field(ge=0, le=1)]
FractionBelowOne = Annotated[float, Field(ge=0, lt=1)]

MAX_EPOCHS = 10_000
MAX_ERRORS = 20  # reported at once
ADAMS = ("adam", "adamw", "nadam")  # optimizers with beta_1 and beta_2


class Settings(BaseModel):
    """Frozen fields of exactly the declared types; an unknown field or an invalid value raises RecipeError."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
    prefix: ClassVar[str] = ""  # of a field's name in error messages

    @field_validator("*", mode="before")
    @classmethod
    def _accept_lists(cls, value: Any) -> Any:
        """Convert the lists of JSON and TOML to tuples."""
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="wrap")
    @classmethod
    def _explain_errors(cls, values: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return validate(values)
        except ValidationError as error:
            raise RecipeError("; ".join(_explain(cls, dict(each)) for each in error.errors()[:MAX_ERRORS])) from None


class Augmentation(Settings):
    """Limits of the random changes to each digit in each training step. Digits are never flipped."""

    prefix = "augmentation."

    shift: Annotated[float, Field(ge=0, lt=14)] = 0.0  # with 14 or more a digit could leave the image
    """Maximum shift along each axis, in pixels of 28."""
    rotate: Annotated[float, Field(ge=0, le=45)] = 0.0  # a 6 that is rotated further becomes a 9
    """Maximum rotation either way, in degrees."""
    scale: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Maximum change of size along each axis, as a fraction."""
    shear: FractionBelowOne = 0.0
    """Maximum slant: how far the top moves sideways, as a fraction of the height."""
    elastic: Annotated[float, Field(ge=0, le=8)] = 0.0
    """Standard deviation of smooth random displacements, in pixels (Simard, Steinkraus, Platt, 2003)."""
    thickness: Fraction = 0.0
    """Maximum change of stroke width; 1 is a pixel more, or less, on each side."""
    contrast: FractionBelowOne = 0.0
    """Maximum fading of the strokes, as a fraction."""
    noise: Fraction = 0.0
    """Maximum value added to or taken from each pixel, of 1."""


class Recipe(Settings):
    """All hyperparameters of a training. The defaults are the classic tutorial's, number for number."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "classic"
    """Name of the recipe in the table of runs."""
    convolutions: Annotated[Convolutions, Field(max_length=16)] = ()
    """Convolutional layers before the hidden ones: filters, x kernel (3), / stride (1), such as 32x5/2."""
    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=16384)], ...], Field(max_length=32)] = (512, 512)
    """Units of each hidden layer; none for a linear classifier."""
    activation: Activation = "relu"
    """The bend of each hidden unit's output; without one, more layers would add nothing."""
    dropout: FractionBelowOne = 0.2
    """Fraction of each hidden layer's outputs that a training step sets to zero."""
    batch_norm: bool = False  # convolutions always have it
    """Batch normalization before the activation of each hidden layer."""
    residual: bool = False
    """Skip connections between the hidden layers (pre-activation residual blocks)."""
    optimizer: Optimizer = "adam"
    """How the weights are adjusted after each batch."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    """How far a step moves the weights; with a schedule, at most."""
    schedule: Schedule = "constant"  # L. N. Smith, "A disciplined approach to neural network hyper-parameters", 2018
    """Learning rate schedule; one-cycle rises for a quarter of all steps, then falls along a cosine."""
    beta_1: FractionBelowOne = 0.9
    """Adam's momentum: the fraction of the gradients' mean that a step keeps."""
    beta_2: FractionBelowOne = 0.999
    """Fraction of the squared gradients' mean that a step of Adam keeps."""
    weight_decay: FractionBelowOne = 0.0
    """Decoupled weight decay, multiplied by the learning rate (Loshchilov, Hutter, 2019)."""
    ema_momentum: FractionBelowOne = 0.0
    """Momentum of a moving average of the weights, which is validated and kept; 0 for none."""
    label_smoothing: FractionBelowOne = 0.0
    """Fraction of each label that is spread over all ten digits."""
    loss: Loss = "categorical_crossentropy"
    """What training makes small; the labels are one-hot."""
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1, max_length=16)] = ("accuracy",)
    """What is recorded each epoch; accuracy comes first."""
    augmentation: Augmentation = Augmentation()
    """Random changes to the training digits."""
    batch_size: Annotated[int, Field(ge=1, le=65536)] = 32
    """Digits in one training step."""
    epochs: Annotated[int, Field(ge=1, le=MAX_EPOCHS)] = 15
    """Maximum number of epochs."""
    monitor: Monitor = "val_loss"
    """Metric that decides which epoch is the best and when to stop early."""
    patience: Annotated[int, Field(ge=0, le=10000)] = 2
    """Epochs without improvement before training stops."""
    restore_best: bool = True  # Keras' default keeps the last weights, `patience` epochs after the best
    """Keep the weights of the best epoch, not of the last."""
    validation_split: Annotated[float, Field(ge=0, le=0.5)] = 0.0  # the digits are the same for every seed
    """Fraction of the training digits to validate on; 0 validates on the test set."""
    ensemble_size: Annotated[int, Field(ge=1, le=32)] = 1
    """Number of networks to train, each with its own seed; their predictions are averaged."""
    # With this seed `classic` reads as well as the median of the seeds 0 to 10: docs/results.md.
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 10
    """Where chance begins: the same seed gives the same network, another one another."""

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        metrics = list(self.metrics)
        if metrics[0] != "accuracy" or len(set(metrics)) < len(metrics):
            raise RecipeError(f"recipe field 'metrics': expected 'accuracy' first and each once, received {metrics}")
        for name in ("beta_1", "beta_2"):
            value, default = getattr(self, name), Recipe.model_fields[name].default
            if self.optimizer not in ADAMS and value != default:
                raise RecipeError(
                    f"recipe field {name!r}: expected its default {default} with the optimizer {self.optimizer}, "
                    f"received {value}; use one of {', '.join(ADAMS)}"
                )
        if self.label_smoothing and not self.loss.startswith("categorical"):
            raise RecipeError(
                f"recipe field 'label_smoothing': expected 0 with the loss {self.loss}, received "
                f"{self.label_smoothing}; use categorical_crossentropy"
            )
        if self.residual and (n := len(self.hidden)) < 2:
            raise RecipeError(f"recipe field 'residual': expected at least two hidden layers to connect, received {n}")
        return self

    def with_changes(self, **changes: Any) -> "Recipe":
        """A copy with some fields changed, validated again. Raises RecipeError."""
        return Recipe(**{**self.model_dump(), **changes})

    def with_settings(self, settings: dict[str, Any]) -> "Recipe":
        """A copy with some settings changed, named as in `flat`. Raises RecipeError."""
        values = self.flat() | settings
        augmentation = {name.rpartition(".")[2]: values.pop(name) for name in list(values) if "." in name}
        return Recipe(**values | {"augmentation": augmentation})

    def flat(self) -> dict[str, Any]:
        """Field -> value; the fields of `augmentation` are named "augmentation.shift" and so on."""
        values = self.model_dump()
        augmentation = values.pop("augmentation")
        return values | {f"augmentation.{name}": value for name, value in augmentation.items()}

    @property
    def convolution_layers(self) -> list["Convolution"]:
        """The convolutions, parsed."""
        return [Convolution.parse(text) for text in self.convolutions]

    def differences(self, other: "Recipe") -> dict[str, tuple[Any, Any]]:
        """Field -> (value in this recipe, value in the other), for the fields that differ."""
        mine, theirs = self.flat(), other.flat()
        return {key: (mine[key], theirs[key]) for key in mine if mine[key] != theirs[key]}


class Convolution(NamedTuple):
    """A convolutional layer: `filters` kernels of `kernel` x `kernel`, every `stride` pixels."""

    filters: int
    kernel: int
    stride: int

    @classmethod
    def parse(cls, text: str) -> "Convolution":
        """Parse "32", "32x5", "32/2" or "32x5/2"; the kernel defaults to 3, the stride to 1."""
        size, _, stride = text.partition("/")
        filters, _, kernel = size.partition("x")
        return cls(int(filters), int(kernel or 3), int(stride or 1))


def _explain(settings: type[Settings], error: dict[str, Any]) -> str:
    """One of pydantic's errors as a sentence: the field, what was expected, what was received."""
    path = [part for part in error["loc"] if isinstance(part, str)]
    field = settings.prefix + ".".join(path)
    if error["type"] == "extra_forbidden":
        fields = settings.model_fields
        near = difflib.get_close_matches(path[-1], fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"fields are {', '.join(fields)}"
        return f"recipe field {field!r} is unknown; {hint}"
    expected = re.sub(r"^Input should be (a valid )?|^\w+ should have | after validation, not .*", "", error["msg"])
    if error["type"] == "string_pattern_mismatch":
        names = "letters, digits, '.', '_' and '-', at most 64, a letter or digit first"
        expected = "filters, x kernel, / stride, such as '32x5/2'" if field == "convolutions" else names
    near = difflib.get_close_matches(str(error["input"]), re.findall(r"'([\w-]+)'", expected), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"recipe field {field!r}: expected {expected}, received {error['input']!r:.200}{hint}"
