"""Fine-tune the line network on corrected numbers without forgetting what it knew.

tuned = fine_tune_lines(data, LineTrainingSet(strips, texts, rehearsal), seed=0)       # ONNX file -> ONNX file

As for single digits, the network sees augmented copies of the corrections together with generated lines, whose targets
are its own earlier answers. Where each character of a correction stands, alignment.py finds out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import keras
import numpy as np

from tendigits.data.preprocess import standardize
from tendigits.engine.fit import fit
from tendigits.model.onnx import from_onnx, to_onnx
from tendigits.model.quantize import quantize
from tendigits.numbers.decode import BAR, HEIGHT, NONE, STRIDE, decode
from tendigits.numbers.network import GRID, ROW_WIDTH_PX, NumberNetwork, pack
from tendigits.numbers.strips import inner_columns
from tendigits.teach.alignment import align
from tendigits.teach.finetune import warm_up
from tendigits.teach.line_targets import NEAR, loss, targets

Array = np.ndarray[Any, Any]

CORRECTIONS_SHARE = 0.3
"""Share of the corrections in the training data; the rest is rehearsal."""

MOST_COPIES, REHEARSED_COPIES = 72, 3
"""Of one correction at most, and of each line that is rehearsed; no copy is seen twice."""

EPOCHS, BATCH_SIZE = 1, 8

SEEN = 64
"""Strips from which the ranges of activations are taken, to quantize the network."""

SCALES = (0.72, 1.12)
"""Sizes of the copies: numbers are read at several, and their places are never found in the same way twice."""

SHIFT, SLANT, CONTRAST = 2.0, 0.12, 0.3
"""Most pixels along each axis, most movement of the top as a share of the height, most change of the exponent that
makes middle greys lighter or darker."""


@dataclass(frozen=True, eq=False)
class LineTrainingSet:
    """What to learn and what not to forget."""

    strips: Sequence[Array]
    """uint8 (40, width) each, corrected by a person."""
    texts: Sequence[str]
    """What stands in each; empty where there is no number."""
    rehearsal: Sequence[Array]
    """uint8 (40, width) each, other lines."""


class Labelled(NamedTuple):
    """A strip, and what stands where."""

    picture: Array
    labels: list[str]
    boxes: Array
    """float32 (n, 4)"""
    first: float
    last: float
    """Columns between which everything is labelled."""


def fine_tune_lines(
    data: bytes, training: LineTrainingSet, seed: int = 0, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> bytes:
    """Fine-tune the line network of an ONNX file; returns the new file, with the same metadata.

    Raises:
        ModelFileError: the file is not a line network.
        DivergedError: the loss is no longer a finite number.
    """
    x, y = _training_data(NumberNetwork(data), training, np.random.default_rng((seed, 3)))
    model, about = from_onnx(data)
    model.compile(warm_up(EPOCHS, BATCH_SIZE, len(x)), _loss)
    rng = np.random.default_rng((seed, 4))
    fit(
        model, x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0, callbacks=list(callbacks),
        order=lambda _, n: rng.permutation(n),
    )  # fmt: skip
    seen = x[rng.permutation(len(x))[:SEEN]]
    return quantize(to_onnx(model, about), np.array_split(seen, -(-len(seen) // BATCH_SIZE)), ends=False)


def _loss(y_true: Any, y_pred: Any) -> Any:
    return loss(y_true[..., : NONE + 1], y_true[..., NONE + 1], y_true[..., NONE + 2 :], y_pred)


def _training_data(network: NumberNetwork, training: LineTrainingSet, rng: np.random.Generator) -> tuple[Array, Array]:
    """Strips side by side, float32 (n, 40, width, 1), and targets, float32 (n, width / 2, classes + 1 + 1 + 4).

    The targets are the probabilities of the classes, the weight of the place, and the distances to the edges.
    """
    corrected = [
        labelled
        for strip, output, text in zip(training.strips, network(training.strips), training.texts, strict=True)
        if (labelled := _labelled(strip, output, text)) is not None
    ]
    others = [Labelled(strip, [], np.zeros((0, 4), np.float32), 0, 0) for strip in training.rehearsal]
    rehearsal = [each.picture for one in others for each in _copies(one, REHEARSED_COPIES, rng)]
    ratio = CORRECTIONS_SHARE / (1 - CORRECTIONS_SHARE) * _pixels(rehearsal)
    copies = round(ratio / max(1, _pixels([each.picture for each in corrected])))
    changed = [each for one in corrected for each in _copies(one, min(MOST_COPIES, max(1, copies)), rng)]
    pictures = [*(each.picture for each in changed), *rehearsal]
    taught = [_own_answers(output) for output in network(pictures)]
    for each, y in zip(changed, taught, strict=False):
        _correct(y, each)
    widths = [picture.shape[1] for picture in pictures]
    places, (n, width) = pack(
        widths, ROW_WIDTH_PX * -(-max(widths) // ROW_WIDTH_PX)
    )  # few shapes, so that few are compiled
    x = np.zeros((n, HEIGHT, width, 1), np.float32)
    y = np.zeros((n, width // STRIDE, NONE + 6), np.float32)
    y[..., NONE] = 1
    for picture, own, (row, left) in zip(pictures, taught, places, strict=True):
        x[row, :, left : left + picture.shape[1], 0] = standardize(picture)
        y[row, left // STRIDE : left // STRIDE + len(own)] = own
    return x, y


def _pixels(pictures: Sequence[Array]) -> int:
    return sum(picture.size for picture in pictures)


def _labelled(strip: Array, output: Array, text: str) -> Labelled | None:
    """A corrected strip with a box for each character, and with the sides of cells that the network sees."""
    first, last = inner_columns(strip)
    boxes = align(output, text, first, last)
    if boxes is None:
        return None
    middles = boxes[:, [0, 2]].mean(axis=1)
    bars = [side for side in decode(output)[1] if not (abs(middles - (side[0] + side[2]) / 2) < STRIDE * NEAR).any()]
    labels = [*text, *(BAR for _ in bars)]
    return Labelled(strip, labels, np.concatenate([boxes, np.array(bars, np.float32).reshape(-1, 4)]), first, last)


def _copies(one: Labelled, n: int, rng: np.random.Generator) -> list[Labelled]:
    """The strip itself, and copies of other sizes, places, slants and contrasts."""
    return [one, *(_changed(one, rng) for _ in range(n - 1))]


def _changed(one: Labelled, rng: np.random.Generator) -> Labelled:
    scale, slant = float(rng.uniform(*SCALES)), float(rng.uniform(-SLANT, SLANT))
    x, y = rng.uniform(-SHIFT, SHIFT, 2).tolist()
    width = GRID * max(6, round(one.picture.shape[1] * scale / GRID))
    middle = HEIGHT / 2
    matrix = np.array([[scale, -slant * scale, x + slant * scale * middle], [0, scale, y + middle * (1 - scale)]])
    picture = cv2.warpAffine(
        one.picture, matrix, (width, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    grey = (picture / np.float32(255)) ** np.float32(np.exp(rng.uniform(-CONTRAST, CONTRAST)))
    shift = np.array([x, matrix[1, 2]] * 2, np.float32)
    boxes = (one.boxes * np.float32(scale) + shift).astype(np.float32)
    return Labelled(
        (255 * grey).round().astype(np.uint8), one.labels, boxes, one.first * scale + x, one.last * scale + x
    )


def _own_answers(output: Array) -> Array:
    """What the network says of a strip, as targets: float32 (places, classes + 1 + 1 + 4)."""
    logits = output[:, : NONE + 1]
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return np.concatenate([shares, np.ones((len(output), 1), np.float32), output[:, NONE + 1 :]], axis=1)


def _correct(y: Array, one: Labelled) -> None:
    """Put in place of the network's answers what stands in a corrected strip; beyond its ends they stay."""
    known = targets(one.labels, one.boxes, one.picture.shape[1])
    x = (np.arange(len(known)) + 0.5) * STRIDE
    own = ((x >= one.first) & (x <= one.last)) | (known[:, 0] < NONE) | (known[:, 1] == 0)
    y[own, : NONE + 1] = np.eye(NONE + 1, dtype=np.float32)[known[own, 0].astype(int)]
    y[own, NONE + 1 :] = known[own, 1:]
