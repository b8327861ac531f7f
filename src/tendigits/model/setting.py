"""A description of each setting of a recipe, for command-line options and for the web page's form.

for setting in settings():
    setting.name, setting.kind, setting.default, setting.help
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from tendigits.model.recipe import Augmentation, Recipe

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Kind = Literal["switch", "integer", "number", "choice", "choices", "integers", "texts"]

AUGMENTATION = "Augmentation"
# Group -> its fields, most often changed first; the fields of the augmentation are another group.
GROUPS = {
    "Training": ("epochs", "batch_size", "patience", "monitor", "restore_best", "validation_split", "seed"),
    "Network": ("convolutions", "hidden", "activation", "dropout", "batch_norm", "residual", "ensemble_size"),
    "Learning": (
        "optimizer", "learning_rate", "schedule", "beta_1", "beta_2", "weight_decay", "ema_momentum", "label_smoothing",
        "loss", "metrics",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One setting of a recipe."""

    name: str  # as in `Recipe.flat`, such as "augmentation.shift"
    group: str
    kind: Kind
    default: Any
    help: str
    choices: tuple[str, ...] = ()  # allowed values of a choice, or of each of several choices
    minimum: float | None = None  # of a number, or of each of several; the limit itself may be excluded
    maximum: float | None = None  # which may be excluded, too


@cache
def settings() -> tuple[Setting, ...]:
    """All settings except the recipe's name, in the order of its fields; those of the augmentation come last."""
    groups = {name: group for group, names in GROUPS.items() for name in names}
    fields = [describe(name, groups[name], field) for name, field in Recipe.model_fields.items() if name in groups]
    augmentation = Augmentation.model_fields.items()
    return *fields, *(describe(f"augmentation.{name}", AUGMENTATION, field) for name, field in augmentation)


def describe(name: str, group: str, field: "FieldInfo") -> Setting:
    """Describe a field of `Recipe`, or of other `Settings`."""
    item, limits = field.annotation, list(field.metadata)
    if is_list := get_origin(item) is tuple:
        item, limits = get_args(item)[0], []
        if get_origin(item) is Annotated:
            item, info = get_args(item)
            limits = info.metadata
    choices = get_args(item)
    kinds: dict[Any, Kind] = {bool: "switch", int: "integer", float: "number"}
    listed: Kind = "choices" if choices else "integers" if item is int else "texts"
    kind = listed if is_list else kinds.get(item, "choice")
    minimum, maximum = _limit(limits, "ge", "gt"), _limit(limits, "le", "lt")
    return Setting(name, group, kind, field.default, field.description or "", choices, minimum, maximum)


def _limit(limits: list[Any], *names: str) -> float | None:
    return next((getattr(limit, name) for limit in limits for name in names if hasattr(limit, name)), None)
