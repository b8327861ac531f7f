"""Pictures with their labels and writers, some of whom are held out, to calibrate and to measure on.

for picture, label, writer in load(folder / "line_numbers.npz"):     # uint8 (height, width), dark on light
"""

import hashlib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from synthesis.glyphs import Grey

STRINGS = ("lectaurep_numbers", "line_numbers")
"""Files of real strings."""

WRITERS = 10
"""Of ten writers, one is measured on and one is calibrated on."""


ALWAYS_LEARNED = {"lectaurep-dufour-1"}
"""Half of all strings of the registers are by this hand: too many to calibrate on."""


class Purpose(Enum):
    """What a writer's strings are for."""

    LEARN = "learn"
    CALIBRATE = "calibrate"
    MEASURE = "measure"


class Example(NamedTuple):
    """A picture of somebody's writing."""

    picture: Grey
    label: str
    writer: str


def purpose_of(writer: str) -> Purpose:
    """What a writer's strings are for: the same in all files, and on all machines."""
    if writer in ALWAYS_LEARNED:
        return Purpose.LEARN
    part = int(hashlib.sha256(writer.encode()).hexdigest(), 16) % WRITERS
    return {0: Purpose.MEASURE, WRITERS // 2: Purpose.CALIBRATE}.get(part, Purpose.LEARN)


def load(path: Path, purpose: Purpose = Purpose.LEARN) -> Iterator[Example]:
    """The examples of a file by the writers for a purpose."""
    with np.load(path) as file:
        pixels, offset, height, width = (file[name] for name in ("pixels", "offset", "height", "width"))
        labels, writers = file["label"].tolist(), file["writer"].tolist()
    for i, (label, writer) in enumerate(zip(labels, writers, strict=True)):
        if purpose_of(writer) is purpose:
            yield Example(pixels[offset[i] : offset[i + 1]].reshape(height[i], width[i]), label, writer)
