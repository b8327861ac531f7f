"""Measure a network for lines on real pictures of one line each, while it is being made.

    python reader/measure.py ../shared/numbers/cheques            # the network in .reader/lines
    python reader/measure.py ../shared/numbers/marks --keep ""    # pictures in which nothing is to be read

A folder has a labels.csv with path and label. Of what is read, characters that are not in --keep are left out, for some
labels have no signs. Nothing is trained or chosen here.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from decode import STRIDE, decode
from synthesis.glyphs import Grey
from synthesis.lines import HEIGHT
from tendigits.data.image import open_image
from training import FOLDER

SCALES = (1.0, 0.9, 0.8)
"""Heights of the picture, in heights of the line, of the views that are measured alone and that vote."""

EDGE = 4
"""Columns of paper that are added on both sides."""

ACCEPTED = 0.5
"""Confidence from which a character is read."""


def as_line(picture: Grey, scale: float) -> Grey:
    """Scale a picture to a line, uint8 (40, width); what is missing above and below is as at the edges."""
    height = round(HEIGHT * scale)
    width = max(16, round(picture.shape[1] * height / picture.shape[0]))
    shrink = height < picture.shape[0]
    scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    above = (HEIGHT - height) // 2
    right = EDGE + -(width + 2 * EDGE) % 4
    line: Grey = cv2.copyMakeBorder(scaled, above, HEIGHT - height - above, EDGE, right, cv2.BORDER_REPLICATE)
    return line


def read(model: Any, lines: list[Grey], keep: str) -> list[str]:
    """What stands in each line."""
    from blocks import normalise

    texts = []
    for line in lines:
        width = -(-line.shape[1] // 64) * 64  # few shapes, so that few programs are compiled
        x = np.zeros((1, HEIGHT, width, 1), np.float32)
        x[0, :, : line.shape[1], 0] = normalise(line)
        output = np.asarray(model(x, training=False))[0][: line.shape[1] // STRIDE]
        found = [each for each in decode(output) if each.confidence >= ACCEPTED]
        texts.append("".join(each.label for each in found if each.label in keep))
    return texts


def main() -> None:
    """Read every picture of a folder, and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", type=Path, default=FOLDER / "lines" / "model.keras")
    parser.add_argument("--keep", default="0123456789", help="Characters that the labels have.")
    parser.add_argument("--wrong", action="store_true", help="Show what is misread.")
    given = parser.parse_args()
    import tendigits  # noqa: F401

    # isort: split
    import keras

    model = keras.models.load_model(given.network, compile=False)
    with (given.folder / "labels.csv").open() as file:
        rows = [*csv.DictReader(file)]
    pictures = [open_image(given.folder / row["path"]).grey for row in rows]
    labels = [row["label"] for row in rows]
    views = [
        read(model, [as_line(picture, scale) for picture in pictures], given.keep or "0123456789") for scale in SCALES
    ]
    for scale, texts in zip(SCALES, views, strict=True):
        print(f"{given.folder.name}, height {scale}: {share(labels, texts)}")
    voted = [max(texts, key=texts.count) for texts in zip(*views, strict=True)]
    print(f"{given.folder.name}, vote: {share(labels, voted)}")
    agreed = [i for i, texts in enumerate(zip(*views, strict=True)) if len(set(texts)) == 1]
    print(f"all views agree: {share([labels[i] for i in agreed], [voted[i] for i in agreed])}")
    if given.wrong:
        print(
            *(f"{label} read as {text}" for label, text in zip(labels, voted, strict=True) if label != text), sep="\n"
        )


def share(labels: list[str], texts: list[str]) -> str:
    """How many are exactly right."""
    right = sum(label == text for label, text in zip(labels, texts, strict=True))
    return f"{right} of {len(labels)} exact, {right / max(1, len(labels)):.1%}"


if __name__ == "__main__":
    main()
