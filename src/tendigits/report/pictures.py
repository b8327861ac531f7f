"""Small pictures as data: URIs, for a page that fetches nothing.

ink(image)            # uint8 (28, 28) -> dark ink on white
signed(values)        # float (h, w), 0 is white, positive orange, negative blue
sheet(values)         # float (n, h, w), the same, side by side
"""

import io
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]

# Okabe and Ito's blue and orange: told apart by everybody, https://jfly.uni-koeln.de/color/
_BLUE, _WHITE, _ORANGE = np.array([(0, 114, 178), (255, 255, 255), (213, 94, 0)])
_LEVELS = 15
"""Shades of each colour: more would not be seen, and make the file larger."""
_COLUMNS = 8


def file(path: Path) -> str:
    """A PNG file as it is."""
    return _as_uri(path.read_bytes())


def ink(image: Array) -> str:
    """White ink on black, uint8 (height, width), as dark ink on white paper."""
    return _data_uri(Image.fromarray(255 - image))


def signed(values: Array) -> str:
    """Values of both signs, float (height, width), in colours; the largest, of either sign, is the strongest."""
    return _data_uri(_coloured(_levels(values)))


def sheet(values: Array) -> str:
    """Pictures of the same size, float (n, height, width), in rows of eight, each with colours of its own scale."""
    n, height, width = values.shape
    rows = -(-n // _COLUMNS)
    tiles = np.zeros((rows * _COLUMNS, height + 1, width + 1), np.uint8)
    tiles[:, :, :] = _LEVELS
    for tile, value in zip(tiles, values, strict=False):
        tile[:height, :width] = _levels(value)
    whole = tiles.reshape(rows, _COLUMNS, height + 1, width + 1).transpose(0, 2, 1, 3)
    return _data_uri(_coloured(whole.reshape(rows * (height + 1), _COLUMNS * (width + 1))[:-1, :-1]))


def _levels(values: Array) -> Array:
    """uint8, 0 for the most negative, 15 for 0, 30 for the most positive."""
    largest = float(np.abs(values).max())
    scaled = values / largest if largest > 0 else np.zeros_like(values)
    return (np.rint(scaled * _LEVELS) + _LEVELS).astype(np.uint8)


def _coloured(levels: Array) -> Image.Image:
    shares = np.linspace(-1, 1, 2 * _LEVELS + 1)[:, None]
    palette = _WHITE + np.abs(shares) * (np.where(shares < 0, _BLUE, _ORANGE) - _WHITE)
    picture = Image.fromarray(levels)
    picture.putpalette(palette.round().astype(np.uint8).tobytes())
    return picture


def _data_uri(picture: Image.Image) -> str:
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return _as_uri(data.getvalue())


def _as_uri(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"
