"""Make what fine-tuning rehearses with MNIST's digits: digits by synthetic writers, non-digits, and generated lines.

python reader/rehearsal.py     # rehearsal.npz and numbers.npz in src/tendigits/teach/assets, a minute

rehearsal.npz holds `crops`, uint8 (n, 28, 28): digits, then non-digits, as the reader's network sees them.
numbers.npz holds strips with generated numbers below each other in one JPEG picture, their widths and their texts.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from pool import ROOT
from synthesis.lines import WIDTH, Line
from synthesis.writers import SyntheticWriter
from tendigits.data.mnist import load_data
from tendigits.digits.find import find_digit
from tendigits.files import replacing
from tendigits.numbers.decode import BAR, HEIGHT
from tendigits.numbers.network import GRID
from train_numbers import line_writer

ASSETS = ROOT / "src" / "tendigits" / "teach" / "assets"
DIGITS, NONDIGITS = 1000, 600
LINES = 640
QUALITY = 60
"""Of the JPEG picture."""

SEED = 13


def make_crop(writer: SyntheticWriter, i: int) -> NDArray[np.uint8]:
    """Draw the i-th picture, from its own seed, and return the crop that the reader finds in it, uint8 (28, 28)."""
    rng = np.random.default_rng(i)
    picture = writer.picture(int(rng.integers(len(writer.y))), rng)[0] if i < DIGITS else writer.nondigit(rng)
    return find_digit(picture).crop


def text_of(line: Line) -> str:
    """What stands in a line, from left to right."""
    order = np.argsort(line.boxes[:, 0] + line.boxes[:, 2], kind="stable")
    return "".join(line.labels[i] for i in order if line.labels[i] != BAR)


def save_crops() -> None:
    """Make the crops and save them."""
    (x_train, y_train), _ = load_data()
    writer = SyntheticWriter(x_train, y_train)
    crops = np.array([make_crop(writer, i) for i in range(DIGITS + NONDIGITS)])
    with replacing(ASSETS / "rehearsal.npz") as temporary:
        np.savez_compressed(temporary, crops=crops)


def save_lines() -> None:
    """Write the lines, every second one good to read, and save them."""
    made = [line_writer().lines(np.random.default_rng((SEED, good)), LINES // 2, bool(good)) for good in (0, 1)]
    lines = [line for pair in zip(*made, strict=True) for line in pair]
    widths = [line.picture.shape[1] // GRID * GRID for line in lines]
    picture = np.zeros((LINES * HEIGHT, WIDTH), np.uint8)
    for i, (line, width) in enumerate(zip(lines, widths, strict=True)):
        missing = WIDTH - width
        own = cv2.copyMakeBorder(line.picture[:, :width], 0, 0, 0, missing, cv2.BORDER_REPLICATE)
        picture[i * HEIGHT : (i + 1) * HEIGHT] = own
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    with replacing(ASSETS / "numbers.npz") as temporary:
        np.savez(temporary, jpeg=jpeg, widths=widths, texts=[text_of(line) for line in lines])


def main() -> None:
    """Make both files."""
    save_crops()
    save_lines()
    for path in sorted(ASSETS.glob("*.npz")):
        print(f"{path.relative_to(ROOT)}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
