"""Make the crops that fine-tuning rehearses beside MNIST's digits: digits by synthetic writers, and non-digits.

python reader/rehearsal.py     # rehearsal.npz in the package, half a minute

The file holds `crops`, uint8 (n, 28, 28): first the digits, then the non-digits, as the reader's network sees them.
"""

import numpy as np
from numpy.typing import NDArray

from pool import ROOT
from synthesis.writers import SyntheticWriter
from tendigits.data.mnist import load_data
from tendigits.digits.find import find_digit
from tendigits.files import replacing

TARGET = ROOT / "src" / "tendigits" / "teach" / "assets" / "rehearsal.npz"
DIGITS, NONDIGITS = 1000, 600


def make_crop(writer: SyntheticWriter, i: int) -> NDArray[np.uint8]:
    """Draw the i-th picture, from its own seed, and return the crop that the reader finds in it, uint8 (28, 28)."""
    rng = np.random.default_rng(i)
    picture = writer.picture(int(rng.integers(len(writer.y))), rng)[0] if i < DIGITS else writer.nondigit(rng)
    return find_digit(picture).crop


def main() -> None:
    """Make the crops and save them."""
    (x_train, y_train), _ = load_data()
    writer = SyntheticWriter(x_train, y_train)
    crops = np.array([make_crop(writer, i) for i in range(DIGITS + NONDIGITS)])
    with replacing(TARGET) as temporary:
        np.savez_compressed(temporary, crops=crops)
    print(f"{len(crops):,} crops in {TARGET.relative_to(ROOT)}, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
