"""Fine-tune the network for numbers on corrected numbers without forgetting what it knew.

tuned = fine_tune_numbers(data, strips, texts, rehearsal, seed=0)       # ONNX file -> ONNX file

As for single digits, training uses augmented copies of the corrections and generated numbers, whose targets are the
network's own predictions. alignment.py finds where each character of a correction stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np

from tendigits.data.preprocess import standardize
from tendigits.model.onnx import from_onnx, to_onnx
from tendigits.model.quantize import quantize
from tendigits.numbers.decode import BAR, HEIGHT, NONE, STRIDE, decode
from tendigits.numbers.network import GRID, ROW_WIDTH_PX, NumberNetwork, pack
from tendigits.numbers.strips import inner_columns
from tendigits.teach.alignment import align, softmax
from tendigits.teach.finetune import CORRECTIONS_PER_REHEARSAL, Callbacks, train
from tendigits.teach.number_targets import IGNORED_POSITIONS, loss, targets

Array = np.ndarray[Any, Any]
Strips = Sequence[Array]

EPOCHS = 1
BATCH_SIZE = 8

MAX_COPIES = 72
"""Of each correction."""

REHEARSED_COPIES = 3
"""Of each rehearsed number."""

STRIPS_FOR_QUANTIZATION = 64
"""Strips from which the ranges of activations are taken."""


@dataclass(frozen=True)
class CopyRanges:
    """How copies of a strip differ from it."""

    min_scale: float = 0.72
    max_scale: float = 1.12
    max_shift: float = 2.0
    """Pixels along each axis."""
    max_slant: float = 0.12
    """Movement of the top, as a fraction of the height."""
    max_contrast: float = 0.3
    """Logarithm of the gamma that makes middle greys lighter or darker."""


COPY_RANGES = CopyRanges()


class LabelledStrip(NamedTuple):
    """A strip with a box around each character."""

    picture: Array
    labels: list[str]
    boxes: Array
    """float32 (n, 4)"""
    first: float
    last: float
    """Columns between which everything is labelled."""


def fine_tune_numbers(
    data: bytes, strips: Strips, texts: Sequence[str], rehearsal: Strips, seed: int = 0, callbacks: Callbacks = ()
) -> bytes:
    """Fine-tune the network for numbers in an ONNX file; returns the new file, with the same metadata.

    Args:
        strips: uint8 (40, width) each, corrected by a person.
        texts: the number in each; empty if there is none.
        rehearsal: uint8 (40, width) each, numbers that must not be forgotten.

    Raises:
        ModelFileError: the file does not hold a network for numbers.
        DivergedError: the loss is no longer a finite number.
    """
    x, y = training_data(NumberNetwork(data), strips, texts, rehearsal, np.random.default_rng((seed, 3)))
    model, metadata = from_onnx(data)
    rng = np.random.default_rng((seed, 4))
    train(model, x, y, _loss, EPOCHS, BATCH_SIZE, rng, callbacks)
    examples = x[rng.permutation(len(x))[:STRIPS_FOR_QUANTIZATION]]
    return quantize(to_onnx(model, metadata), np.array_split(examples, -(-len(examples) // BATCH_SIZE)), ends=False)


def _loss(y_true: Any, y_pred: Any) -> Any:
    return loss(y_true[..., : NONE + 1], y_true[..., NONE + 1], y_true[..., NONE + 2 :], y_pred)


def training_data(
    network: NumberNetwork, strips: Strips, texts: Sequence[str], rehearsal: Strips, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Packed strips, float32 (n, 40, width, 1), and targets, float32 (n, width / 2, classes + 1 + 1 + 4).

    The targets are the probabilities of the classes, the weight in the loss, and the distances to the edges.
    """
    corrected = [
        labelled
        for strip, output, text in zip(strips, network(strips), texts, strict=True)
        if (labelled := label_strip(strip, output, text)) is not None
    ]
    others = [LabelledStrip(strip, [], np.zeros((0, 4), np.float32), 0, 0) for strip in rehearsal]
    rehearsed = [copy.picture for strip in others for copy in copies(strip, REHEARSED_COPIES, rng)]
    n_pixels = CORRECTIONS_PER_REHEARSAL * _pixels(rehearsed)
    n_copies = round(n_pixels / max(1, _pixels([strip.picture for strip in corrected])))
    changed = [copy for strip in corrected for copy in copies(strip, min(MAX_COPIES, max(1, n_copies)), rng)]
    pictures = [*(copy.picture for copy in changed), *rehearsed]
    wanted = [_predictions(output) for output in network(pictures)]
    for y, strip in zip(wanted, changed, strict=False):
        _correct(y, strip)
    widths = [picture.shape[1] for picture in pictures]
    lefts, (n, width) = pack(
        widths, ROW_WIDTH_PX * -(-max(widths) // ROW_WIDTH_PX)
    )  # few widths: each shape is compiled anew
    x = np.zeros((n, HEIGHT, width, 1), np.float32)
    packed = np.zeros((n, width // STRIDE, NONE + 6), np.float32)
    packed[..., NONE] = 1
    for picture, y, (row, left) in zip(pictures, wanted, lefts, strict=True):
        x[row, :, left : left + picture.shape[1], 0] = standardize(picture)
        packed[row, left // STRIDE : left // STRIDE + len(y)] = y
    return x, packed


def _pixels(pictures: Sequence[Array]) -> int:
    return sum(picture.size for picture in pictures)


def label_strip(strip: Array, output: Array, text: str) -> LabelledStrip | None:
    """A strip with a box for each character of its text, and for the cell borders that the network sees.

    Args:
        strip: uint8 (40, width)
        output: the network's for it.
        text: the number in it.

    Returns:
        None if the strip is too narrow for the text.
    """
    first, last = inner_columns(strip)
    boxes = align(output, text, first, last)
    if boxes is None:
        return None
    middles = boxes[:, [0, 2]].mean(axis=1)
    near = STRIDE * IGNORED_POSITIONS
    borders = [box for box in decode(output)[1] if not (abs(middles - (box[0] + box[2]) / 2) < near).any()]
    labels = [*text, *(BAR for _ in borders)]
    return LabelledStrip(
        strip, labels, np.concatenate([boxes, np.array(borders, np.float32).reshape(-1, 4)]), first, last
    )


def copies(strip: LabelledStrip, n: int, rng: np.random.Generator) -> list[LabelledStrip]:
    """The strip itself, and n - 1 copies of other sizes, places, slants and contrasts."""
    return [strip, *(_changed(strip, rng, COPY_RANGES) for _ in range(n - 1))]


def _changed(strip: LabelledStrip, rng: np.random.Generator, ranges: CopyRanges) -> LabelledStrip:
    scale = float(rng.uniform(ranges.min_scale, ranges.max_scale))
    slant = float(rng.uniform(-ranges.max_slant, ranges.max_slant))
    x, y = rng.uniform(-ranges.max_shift, ranges.max_shift, 2).tolist()
    gamma = np.float32(np.exp(rng.uniform(-ranges.max_contrast, ranges.max_contrast)))
    width = GRID * max(6, round(strip.picture.shape[1] * scale / GRID))
    middle = HEIGHT / 2
    matrix = np.array([[scale, -slant * scale, x + slant * scale * middle], [0, scale, y + middle * (1 - scale)]])
    picture = cv2.warpAffine(
        strip.picture, matrix, (width, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    picture = (255 * (picture / np.float32(255)) ** gamma).round().astype(np.uint8)
    shift = np.array([x, matrix[1, 2]] * 2, np.float32)
    boxes = (strip.boxes * np.float32(scale) + shift).astype(np.float32)
    return LabelledStrip(picture, strip.labels, boxes, strip.first * scale + x, strip.last * scale + x)


def _predictions(output: Array) -> Array:
    """The network's output as targets: float32 (positions, classes + 1 + 1 + 4)."""
    weight = np.ones((len(output), 1), np.float32)
    return np.concatenate([softmax(output[:, : NONE + 1]), weight, output[:, NONE + 1 :]], axis=1)


def _correct(y: Array, strip: LabelledStrip) -> None:
    """Replace predictions by the labels of a corrected strip; beyond its ends they stay."""
    known = targets(strip.labels, strip.boxes, strip.picture.shape[1])
    x = (np.arange(len(known)) + 0.5) * STRIDE
    is_known = ((x >= strip.first) & (x <= strip.last)) | (known[:, 0] < NONE) | (known[:, 1] == 0)
    y[is_known, : NONE + 1] = np.eye(NONE + 1, dtype=np.float32)[known[is_known, 0].astype(int)]
    y[is_known, NONE + 1 :] = known[is_known, 1:]
