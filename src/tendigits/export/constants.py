"""The constants of the stages that the page reads with: in Python they are written, its JavaScript only uses them.

constants()["lines.finder"]["LEAST"]        # 0.4
"""

from dataclasses import asdict, is_dataclass
from types import ModuleType
from typing import Any

import numpy as np

from tendigits.data import preprocess
from tendigits.digits import find, foreground, layers, network, segment
from tendigits.numbers import (
    confidence,
    decode,
    finder,
    first_look,
    order,
    reader,
    second_opinion,
    strips,
    values,
    views,
    vote,
)
from tendigits.numbers import network as line_network
from tendigits.pictures import image, limits
from tendigits.read import accept

MODULES = (
    image, limits, preprocess, find, foreground, layers, network, segment,
    decode, finder, first_look, line_network, values, order, reader, second_opinion, strips, confidence, views, vote,
    accept,
)  # fmt: skip


def constants() -> dict[str, dict[str, Any]]:
    """What is written in capitals in each of the modules, by the module's name within the package."""
    return {module.__name__.removeprefix("tendigits."): _of(module) for module in MODULES}


def _of(module: ModuleType) -> dict[str, Any]:
    public = (name for name in vars(module) if name.isupper() and not name.startswith("_") and name != "TYPE_CHECKING")
    values = {name: getattr(module, name) for name in public}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
