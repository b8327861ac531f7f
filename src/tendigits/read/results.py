"""What was read: the digit in a picture of one digit, or the numbers of a page and their characters.

number.value        "12.50"
number.text         "12.50-": as it stands, with the mark that closes it
number.number       Decimal("12.50")
number.summary()    its value, with the reason why it is doubtful

In a notebook, doubtful values have a dashed box and a question mark. A picture and its boxes are an SVG inside an
`<img>`: in notebooks that are not trusted, JupyterLab removes inline SVG, and nothing in an image can run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.find import Thumbnail, data_uri
from tendigits.geometry import Box
from tendigits.numbers.characters import crop_characters
from tendigits.numbers.decode import Edges
from tendigits.numbers.grammar import without_closing
from tendigits.numbers.strips import Strip
from tendigits.tables.cell import DOUBTFUL_COLOUR, UNCLEAR, escaped, text_html

VALUE_WIDTH = 12  # characters of a value that is followed by a reason
ACCEPTED_COLOUR = "#14823c"

MIN_SIDE_PX = 300  # longest side of the smallest picture on the screen
MAX_SIDE_PX = 1000  # longest side of the largest one
TEXT_HEIGHT_PX = 15  # on the screen, of the value next to a box
CHARACTER_WIDTH, LINE_HEIGHT, BASELINE = 0.6, 1.1, 0.9  # of a value, as fractions of that; the last from its top
LABEL_GAP_PX = 3  # between a number and its label
BORDER = "border: 1px solid #8888; margin: 0"  # visible on white and on black


@dataclass(frozen=True, eq=False)
class Digit:
    """What a picture of one digit shows, which may not be a digit at all. The box is in pixels of the picture."""

    label: int  # 0 to 9: the most probable digit, even if it is not accepted
    probabilities: NDArray[np.float32] = field(repr=False)  # (10,), of each digit, given that it is a digit
    is_digit: float  # 0 to 1: the probability that it is a digit
    box: Box
    crop: NDArray[np.uint8] = field(repr=False)  # uint8 (28, 28): what the network saw, white on black
    accepted: bool  # whether the confidence reaches the threshold
    reason: str | None
    thumbnail: Thumbnail | None = field(default=None, repr=False)  # None if it was read in another process

    @property
    def confidence(self) -> float:
        """0 to 1: the probability that it is a digit and has this label."""
        return float(self.probabilities[self.label]) * self.is_digit

    def runners_up(self, n: int = 2) -> list[tuple[int, float]]:
        """The next most probable digits and their probabilities."""
        order = np.argsort(-self.probabilities, kind="stable")
        return [(int(label), float(self.probabilities[label])) for label in order if label != self.label][:n]

    def text(self) -> str:
        """The label, its confidence, the runners-up, and why it is not accepted."""
        others = ", ".join(f"{label} {p:.1%}" for label, p in self.runners_up())
        doubt = "" if self.accepted else f"    <- {self.reason}"
        return f"{self.label}  {self.confidence:.1%}  ({others}){doubt}"

    def _repr_html_(self) -> str:
        text, style = self.text(), f"width: 112px; image-rendering: pixelated; {BORDER}"
        pictures = f'<img src="{data_uri(self.crop, "png")}" alt="What the network saw" style="{style}">'
        if self.thumbnail is not None:
            mark = Mark(self.box, str(self.label), self.accepted)
            pictures = picture_html(text, self.thumbnail, self.thumbnail.size, [mark], MIN_SIDE_PX) + pictures
        return f'<div><div style="display: flex; align-items: end; gap: 1em">{pictures}</div>{text_html(text)}</div>'

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, without the pictures."""
        return {
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "is_digit": round(self.is_digit, 4),
            "probabilities": [round(float(p), 4) for p in self.probabilities],
            "box": list(self.box),
        }


@dataclass(frozen=True, eq=False)
class Character:
    """A digit or a sign of a number. The box is in pixels of the picture."""

    label: str  # one of 0123456789.,-/:+=()%×÷
    confidence: float  # 0 to 1: the probability that it is this character
    alternatives: list[tuple[str, float]]
    """Other possible labels with their probabilities, the most probable first; "" means not a character at all."""
    box: Box
    source: NDArray[np.uint8] | tuple[Strip, Edges] = field(repr=False)  # its crop; or its number's strip, and its box
    accepted: bool  # False if this character may be another one and its number is therefore doubtful

    @property
    def crop(self) -> NDArray[np.uint8]:
        """uint8 (28, 28), white on black, like MNIST's digits; made when it is asked for, as few of a sheet's are."""
        if not isinstance(self.source, tuple):
            return self.source
        strip, box = self.source
        crop: NDArray[np.uint8] = crop_characters(strip.foreground, [box])[0]
        return crop

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, without the crop."""
        return {
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "alternatives": [[label, round(p, 4)] for label, p in self.alternatives],
            "box": list(self.box),
        }


@dataclass(frozen=True, eq=False)
class Number:
    """A number, or a date, a time, a sum. The box is in pixels of the picture."""

    text: str  # as it stands, with a closing mark as in `500.-`: the most probable reading, even if it is not accepted
    number: Decimal | None  # the value as a number; None for dates, times, sums and ambiguous numbers such as 1.234
    confidence: float  # 0 to 1: the probability that the whole value is right
    accepted: bool  # whether the confidence reaches the threshold
    reason: str | None
    box: Box
    characters: list[Character] = field(repr=False)
    options: list[tuple[str, float]] = field(default_factory=list, repr=False)
    """Other possible values that differ in one character, with their probabilities, the most probable first."""
    strip: NDArray[np.uint8] | None = field(default=None, repr=False)  # (40, width): what the number network saw
    digit: Digit | None = field(default=None, repr=False)  # what was read in a picture of one digit
    fits: bool = True  # whether the value is one that is expected there

    @property
    def value(self) -> str:
        """The text without a closing mark."""
        return without_closing(self.text)

    def summary(self) -> str:
        """The value; if it is not accepted, with `?` for doubtful characters, and the reason."""
        if self.accepted:
            return self.value
        value = "".join(each.label if each.accepted else UNCLEAR for each in self.characters)
        if not self.fits:  # each of its characters may be clear
            value = self.value + UNCLEAR
        return f"{value:{VALUE_WIDTH}} {self.reason}"

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, without the strip."""
        return {
            "value": self.value,
            "text": self.text,
            "number": None if self.number is None else str(self.number),
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "fits": self.fits,
            "box": list(self.box),
            "characters": [character.as_dict() for character in self.characters],
            **({} if self.digit is None else {"digit": self.digit.as_dict()}),
        }


class Mark(NamedTuple):
    """A box in a picture, and what was read there."""

    box: Box
    value: str
    accepted: bool


def free_places(
    boxes: Sequence[Box], sizes: Sequence[tuple[float, float]], within: tuple[int, int], gap: float = LABEL_GAP_PX
) -> list[Box | None]:
    """Where the label of each box hides no box and no other label: right of it, above, below or left; or None."""
    taken, n_taken = np.zeros((2 * len(boxes), 4)), len(boxes)
    taken[:n_taken] = np.array(boxes).reshape(-1, 4)
    places: list[Box | None] = []
    for box, (width, height) in zip(boxes, sizes, strict=True):
        middle, line = (box.left + box.right - width) // 2, (box.top + box.bottom - height) // 2
        corners = (
            (box.right + gap, line), (middle, box.top - height - gap), (middle, box.bottom + gap),
            (box.left - width - gap, line),
        )  # fmt: skip
        places.append(None)
        for x, y in corners:
            is_inside = x >= 0 <= y and x + width <= within[0] and y + height <= within[1]
            left, top, right, bottom = taken[:n_taken].T
            if is_inside and not ((left < x + width) & (x < right) & (top < y + height) & (y < bottom)).any():
                places[-1] = Box(round(x), round(y), round(x + width), round(y + height))
                taken[n_taken], n_taken = places[-1], n_taken + 1
                break
    return places


def picture_html(
    text: str, thumbnail: Thumbnail | None, size: tuple[int, int], marks: Sequence[Mark], side_px: int
) -> str:
    """A picture with boxes and values, without those that would hide others.

    Args:
        text: for people who do not see the picture.
        thumbnail: the picture; None draws white paper.
        size: width and height of the picture, in whose pixels the boxes are.
        side_px: longest side on the screen.
    """
    unit = max(size) / side_px  # pixels of the picture for one on the screen
    width, height = size
    area = f'width="{width}" height="{height}"'
    picture = f'<rect {area} fill="white"/>'
    if thumbnail is not None:
        picture = f'<image href="{thumbnail.data_uri()}" {area} preserveAspectRatio="none"/>'
    boxes, values, line = [], [], TEXT_HEIGHT_PX * unit
    labels = [each.value + UNCLEAR * (not each.accepted) for each in marks]
    sizes = [(CHARACTER_WIDTH * len(label) * line, LINE_HEIGHT * line) for label in labels]
    places = free_places([each.box for each in marks], sizes, size, LABEL_GAP_PX * unit)
    if len(marks) == 1:  # it may fill the picture
        places = [places[0] or marks[0].box]
    for ((left, top, right, bottom), _, accepted), label, place in zip(marks, labels, places, strict=True):
        colour, dashes = ACCEPTED_COLOUR, ""
        if not accepted:
            colour, dashes = DOUBTFUL_COLOUR, f' stroke-dasharray="{6 * unit:g} {3 * unit:g}"'
        box = f'x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'
        boxes.append(f'<rect {box} stroke="{colour}"{dashes}/>')
        if place is not None:
            baseline = place.top + BASELINE * line
            values.append(f'<text x="{place.left}" y="{baseline:g}" fill="{colour}">{escaped(label)}</text>')
    font = (
        f'font-family="sans-serif" font-size="{line:g}" paint-order="stroke" stroke-linejoin="round" '
        f'stroke="white" stroke-width="{4 * unit:g}"'
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {area} viewBox="0 0 {width} {height}">{picture}'
        f'<g fill="none" stroke-width="{2 * unit:g}">{"".join(boxes)}</g><g {font}>{"".join(values)}</g></svg>'
    )
    style = f"display: block; width: {round(width / unit)}px; max-width: 100%; {BORDER}"
    source = f"data:image/svg+xml,{quote(svg, safe='/+=:;, ')}"
    return f'<img src="{source}" alt="{escaped(text)}" style="{style}">'
