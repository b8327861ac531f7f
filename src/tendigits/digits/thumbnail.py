"""A small copy of a picture, for a notebook to show with what was read in it.

Thumbnail.of(grey, size=(3024, 4032)).data_uri()
"""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.foreground import shrink

Grey = NDArray[np.uint8]

SIDE = 1024  # pixels: its longest side, at most half of a page's, so that shrinking is fast
QUALITY = 85  # of its JPEG, 0 to 100


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A small copy of a picture. It is pickled as None, so that worker processes do not send it."""

    grey: Grey  # uint8 (height, width), at most SIDE
    size: tuple[int, int]  # width and height of the picture

    @classmethod
    def of(cls, grey: Grey, size: tuple[int, int]) -> "Thumbnail":
        """Copy and shrink grey pixels of a picture of this size."""
        small = shrink(grey, SIDE)
        return cls(small.copy() if small is grey else small, size)

    def data_uri(self) -> str:
        """The picture as a data URI, a JPEG."""
        return data_uri(self.grey, "jpeg", cv2.IMWRITE_JPEG_QUALITY, QUALITY)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


def data_uri(grey: Grey, kind: str, *options: int) -> str:
    """A data URI of a picture, uint8 (height, width), as "png" or "jpeg" with OpenCV's options."""
    data = cv2.imencode(f".{kind}", grey, options)[1].tobytes()
    return f"data:image/{kind};base64,{b64encode(data).decode()}"
