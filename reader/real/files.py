"""Pictures with their labels and writers; some writers are held out, to measure on.

for picture, label, writer in load(folder / "line_numbers.npz"):     # uint8 (height, width), dark on light
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from synthesis.glyphs import Grey

HELD_OUT_OF = 5
"""One writer in five is held out."""


class Example(NamedTuple):
    """A picture of somebody's writing."""

    picture: Grey
    label: str
    writer: str


def is_held_out(writer: str) -> bool:
    """Whether nothing may be learned from a writer."""
    return int(hashlib.sha256(writer.encode()).hexdigest(), 16) % HELD_OUT_OF == 0


def load(path: Path, held_out: bool = False) -> Iterator[Example]:
    """The examples of a file by the writers to learn from, or by those that are held out."""
    with np.load(path) as file:
        pixels, offset, height, width = (file[name] for name in ("pixels", "offset", "height", "width"))
        labels, writers = file["label"].tolist(), file["writer"].tolist()
    for i, (label, writer) in enumerate(zip(labels, writers, strict=True)):
        if is_held_out(writer) == held_out:
            yield Example(pixels[offset[i] : offset[i + 1]].reshape(height[i], width[i]), label, writer)
