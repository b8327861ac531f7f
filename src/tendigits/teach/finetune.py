"""Fine-tune the networks for digits and numbers on a person's corrections, without forgetting other handwriting.

rehearsal = rehearsal_crops(dataset, rng)                           # digits and non-digits
tuned = fine_tune(data, crops, labels, rehearsal, seed=0)           # ONNX file -> ONNX file
tuned = fine_tune_numbers(data, strips, texts, rehearsal)           # ONNX file -> ONNX file

Training starts from a network's own weights, on augmented copies of the corrections and on rehearsal pictures, whose
targets are the network's own predictions: these need no labels and preserve what no correction shows (Li and Hoiem,
"Learning without Forgetting", 2016, https://arxiv.org/abs/1606.09282).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import cv2
import jax
import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.data.preprocess import standardize, to_input
from tendigits.digits.find import find_digit
from tendigits.digits.network import softmax
from tendigits.engine.fit import fit
from tendigits.model.onnx import from_onnx, to_onnx
from tendigits.model.quantize import quantize
from tendigits.model.recipe import Augmentation
from tendigits.numbers.decode import BAR, HEIGHT, NONE, STRIDE, decode
from tendigits.numbers.network import GRID, ROW_WIDTH_PX, NumberNetwork, pack
from tendigits.numbers.strips import inner_columns
from tendigits.teach.number_targets import IGNORED_POSITIONS, align, loss, targets
from tendigits.teach.verify import ASSETS, NON_DIGIT
from tendigits.train.augment import Augmenter, augmenter

Array = np.ndarray[Any, Any]
Strips = Sequence[Array]
Callbacks = Sequence[keras.callbacks.Callback]

CORRECTIONS_PER_REHEARSAL = 0.3 / 0.7  # corrected digits are 30% of the training data, rehearsal is 70%
NUMBERS_PER_REHEARSAL = 0.1  # the same for the pixels of numbers; with more, other numbers are forgotten
LEARNING_RATE = 3e-4

DIGIT_EPOCHS = 4
DIGIT_BATCH = 128
REHEARSAL_DIGITS = 2400  # number of MNIST's training digits among the rehearsal crops
REHEARSAL = ASSETS / "rehearsal.npz"  # 1,000 digits by synthetic writers and 600 non-digits, by reader/rehearsal.py
AUGMENTATION = Augmentation(shift=1.0, rotate=8.0, scale=0.1, shear=0.15, elastic=0.7, thickness=0.3)
AUGMENT = cast(Augmenter, augmenter(AUGMENTATION))

NUMBER_EPOCHS = 1
NUMBER_BATCH = 8
MAX_COPIES = 72  # of each corrected number
REHEARSED_COPIES = 3  # of each rehearsed number
MIN_SCALE, MAX_SCALE = 0.72, 1.12  # of copies
MAX_SHIFT = 2.0  # pixels along each axis
MAX_SLANT = 0.12  # movement of the top, as a fraction of the height
MAX_LOG_GAMMA = 0.3  # a gamma makes middle greys lighter or darker
STRIPS_FOR_QUANTIZATION = 64  # strips from which the ranges of activations are taken


def rehearsal_crops(dataset: Dataset, rng: np.random.Generator) -> Array:
    """Digits and non-digits, uint8 (n, 28, 28), cropped as the reader crops them."""
    chosen = rng.permutation(len(dataset.x_train))[:REHEARSAL_DIGITS]
    digits = [find_digit(dataset.x_train[i]).crop for i in chosen]
    with np.load(REHEARSAL) as file:
        return np.concatenate([digits, file["crops"]])


class LabelledStrip(NamedTuple):
    """A strip with a box around each character."""

    picture: Array
    labels: list[str]
    boxes: Array  # float32 (n, 4)
    first: float  # columns between which everything is labelled
    last: float


def fine_tune(
    data: bytes, crops: Array, labels: Array, rehearsal: Array, seed: int = 0, callbacks: Callbacks = ()
) -> bytes:
    """Fine-tune the network for digits in an ONNX file; returns the new file, with the same temperature and threshold.

    Args:
        crops: uint8 (n, 28, 28), corrected by a person.
        labels: integers (n,), 0 to 9, or 10 for a non-digit.
        rehearsal: uint8 (m, 28, 28), digits and non-digits that must not be forgotten.

    Raises DivergedError if the loss is no longer a finite number.
    """
    model, metadata = from_onnx(data)
    x, y = _digit_data(model, crops, labels, rehearsal, seed)
    entropy = keras.losses.CategoricalCrossentropy(from_logits=True)
    _train(model, x, y, entropy, DIGIT_EPOCHS, DIGIT_BATCH, np.random.default_rng((seed, 2)), callbacks)
    return to_onnx(model, metadata)


def fine_tune_numbers(
    data: bytes, strips: Strips, texts: Sequence[str], rehearsal: Strips, callbacks: Callbacks = ()
) -> bytes:
    """Fine-tune the network for numbers in an ONNX file; returns the new file, with the same metadata.

    Args:
        strips: uint8 (40, width) each, corrected by a person.
        texts: the number in each; empty for no number.
        rehearsal: uint8 (40, width) each, numbers that must not be forgotten.

    Raises DivergedError if the loss is no longer a finite number.
    """
    x, y = number_data(NumberNetwork(data), strips, texts, rehearsal, np.random.default_rng((0, 3)))
    model, metadata = from_onnx(data)
    rng = np.random.default_rng((0, 4))
    _train(model, x, y, _number_loss, NUMBER_EPOCHS, NUMBER_BATCH, rng, callbacks)
    examples = x[rng.permutation(len(x))[:STRIPS_FOR_QUANTIZATION]]
    return quantize(to_onnx(model, metadata), np.array_split(examples, -(-len(examples) // NUMBER_BATCH)), ends=False)


def _train(
    model: keras.Model, x: Array, y: Array, loss: Any, epochs: int, batch_size: int,
    rng: np.random.Generator, callbacks: Callbacks,
) -> None:  # fmt: skip
    """Train with Adam, whose rate rises to LEARNING_RATE in a tenth of the steps, then falls along a cosine."""
    steps = epochs * -(-len(x) // batch_size)
    decay = keras.optimizers.schedules.CosineDecay
    rate = decay(0.0, steps, warmup_target=LEARNING_RATE, warmup_steps=steps // 10 + 1)
    model.compile(keras.optimizers.Adam(rate), loss)
    fit(model, x, y, batch_size, epochs, verbose=0, callbacks=callbacks, order=lambda _, n: rng.permutation(n))


def _digit_data(model: keras.Model, crops: Array, labels: Array, rehearsal: Array, seed: int) -> tuple[Array, Array]:
    """Inputs, float32 (k, 28, 28, 1), and target probabilities, float32 (k, 11)."""
    old, corrected = (to_input(pictures).reshape(-1, 28, 28, 1) for pictures in (rehearsal, crops))
    predictions = keras.ops.softmax(model.predict(old, batch_size=500, verbose=0))
    repeats = max(1, round(CORRECTIONS_PER_REHEARSAL * len(old) / len(labels)))
    augmented = np.asarray(AUGMENT(jax.numpy.repeat(corrected, repeats, axis=0), jax.random.key(seed)))
    targets = np.eye(NON_DIGIT + 1, dtype=np.float32)[np.repeat(labels, repeats)]
    return np.concatenate([augmented, old]), np.concatenate([targets, np.asarray(predictions)])


def _number_loss(y_true: Any, y_pred: Any) -> Any:
    return loss(y_true[..., : NONE + 1], y_true[..., NONE + 1], y_true[..., NONE + 2 :], y_pred)


def number_data(
    network: NumberNetwork, strips: Strips, texts: Sequence[str], rehearsal: Strips, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Packed strips, float32 (n, 40, width, 1), and targets, float32 (n, width / 2, classes + 1 + 1 + 4).

    The targets are the probabilities of the classes, the weight in the loss, and the distances to the edges.
    """
    labelled = map(label_strip, strips, network(strips), texts)
    corrected = [strip for strip in labelled if strip is not None]
    others = [LabelledStrip(strip, [], np.zeros((0, 4), np.float32), 0, 0) for strip in rehearsal]
    rehearsed = [copy.picture for strip in others for copy in copies(strip, REHEARSED_COPIES, rng)]
    n_pixels = NUMBERS_PER_REHEARSAL * sum(picture.size for picture in rehearsed)
    n_copies = round(n_pixels / max(1, sum(strip.picture.size for strip in corrected)))
    changed = [copy for strip in corrected for copy in copies(strip, min(MAX_COPIES, max(1, n_copies)), rng)]
    pictures = [*(copy.picture for copy in changed), *rehearsed]
    wanted = [_predictions(output) for output in network(pictures)]
    for y, strip in zip(wanted, changed, strict=False):
        _correct(y, strip)
    widths = [picture.shape[1] for picture in pictures]
    row_width = ROW_WIDTH_PX * -(-max(widths) // ROW_WIDTH_PX)  # few widths: each shape is compiled anew
    lefts, (n, width) = pack(widths, row_width)
    x = np.zeros((n, HEIGHT, width, 1), np.float32)
    packed = np.zeros((n, width // STRIDE, NONE + 6), np.float32)
    packed[..., NONE] = 1
    for picture, y, (row, left) in zip(pictures, wanted, lefts, strict=True):
        x[row, :, left : left + picture.shape[1], 0] = standardize(picture)
        packed[row, left // STRIDE : left // STRIDE + len(y)] = y
    return x, packed


def label_strip(strip: Array, output: Array, text: str) -> LabelledStrip | None:
    """A strip with a box for each character of its text, and for the cell borders that the network sees.

    Returns None if the strip is too narrow for the text.
    """
    first, last = inner_columns(strip)
    boxes = align(output, text, first, last)
    if boxes is None:
        return None
    middles = boxes[:, [0, 2]].mean(axis=1)
    near = STRIDE * IGNORED_POSITIONS
    borders = [box for box in decode(output)[1] if not (abs(middles - (box[0] + box[2]) / 2) < near).any()]
    labels = [*text, *[BAR] * len(borders)]
    boxes = np.concatenate([boxes, np.array(borders, np.float32).reshape(-1, 4)])
    return LabelledStrip(strip, labels, boxes, first, last)


def copies(strip: LabelledStrip, n: int, rng: np.random.Generator) -> list[LabelledStrip]:
    """The strip itself, and n - 1 copies of other sizes, places, slants and contrasts."""
    return [strip, *(_changed(strip, rng) for _ in range(n - 1))]


def _changed(strip: LabelledStrip, rng: np.random.Generator) -> LabelledStrip:
    scale = float(rng.uniform(MIN_SCALE, MAX_SCALE))
    slant = float(rng.uniform(-MAX_SLANT, MAX_SLANT))
    x, y = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2).tolist()
    gamma = np.float32(np.exp(rng.uniform(-MAX_LOG_GAMMA, MAX_LOG_GAMMA)))
    width = GRID * max(6, round(strip.picture.shape[1] * scale / GRID))
    middle = HEIGHT / 2
    matrix = np.array([[scale, -slant * scale, x + slant * scale * middle], [0, scale, y + middle * (1 - scale)]])
    picture = cv2.warpAffine(strip.picture, matrix, (width, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
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
