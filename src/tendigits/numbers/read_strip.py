"""Read a single strip again, without its page: one view, and nothing beyond the number's ends.

strip_text(network([strip])[0], *room(strip))       # "1350"
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.numbers.decode import decode
from tendigits.numbers.reader import BEYOND
from tendigits.numbers.strips import DIGIT, MARGIN
from tendigits.numbers.vote import READ


def room(strip: NDArray[Any]) -> tuple[float, float]:
    """Between which columns the middles of a number's characters lie, in a strip of scale 1 as `cut` makes it."""
    edge = (MARGIN - BEYOND) * DIGIT
    return edge, strip.shape[1] - edge


def strip_text(output: NDArray[Any], first: float = -np.inf, last: float = np.inf) -> str:
    """The number that the line network reads between two columns of a strip; empty where there is no digit.

    Args:
        output: float32 (places, classes + 1 + 4), the network's.
    """
    peaks = [peak for peak in decode(output)[0] if peak.present >= READ]
    text = "".join(peak.label for peak in peaks if first <= (peak.box[0] + peak.box[2]) / 2 <= last)
    return text if any(map(str.isdigit, text)) else ""
