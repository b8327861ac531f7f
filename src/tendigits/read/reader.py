"""Read numbers in pictures.

reader = tendigits.Reader()
reader.read("page.jpg").numbers[0].value          # a page: every number on it
reader.digit("seven.png").label                 # a picture of one digit
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import FIELD
from tendigits.digits.budget import Budget
from tendigits.digits.find import Found, find_digit, open_page
from tendigits.digits.network import Network, Predictions, bundled, open_network
from tendigits.digits.thumbnail import Thumbnail
from tendigits.errors import UserError
from tendigits.geometry import Box
from tendigits.numbers import finder
from tendigits.numbers import network as number_network
from tendigits.numbers.confidence import ConfidenceModel
from tendigits.numbers.grammar import DecimalSeparator, common_separator
from tendigits.numbers.reader import NumberReader, Reading, confidence_features
from tendigits.numbers.views import ViewCache
from tendigits.read.accept import accept
from tendigits.read.context import read_tables
from tendigits.read.forms import Form, load_form, read_fields
from tendigits.read.orientation import turns_of
from tendigits.read.page import LEFT_OUT, Page
from tendigits.read.position import OnForm, Position, Upright
from tendigits.read.results import Digit, Number
from tendigits.read.tables import cell_of, table_of

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class ReaderOptions:
    """What a reader is made from: the same options make the same reader, in another process too."""

    model: str | Path | None = None
    """A run's folder or a model file that tells which digit each is; None takes the package's network."""
    threshold: float | None = None
    """Confidence from which a digit or a number is accepted, 0 to 1; None takes the networks' own."""
    max_error: float | None = None
    """Instead of a threshold for numbers: the largest share of wrong ones among the accepted, 0 to 1."""
    decimal: str = DecimalSeparator.AUTO
    """Which mark parts decimals: "comma", "point" or "auto"."""
    form: str | Path | None = None
    """A form's TOML file: pictures are laid over the form, and the numbers in its fields are read; see `forms`."""

    def open(self, threads: int | None = None) -> "Reader":
        """Make the reader. Raises TendigitsError where `Reader` does."""
        return Reader(
            self.model, self.threshold, threads, max_error=self.max_error, decimal=self.decimal, form=self.form
        )


PACKAGE = ReaderOptions()
"""The package's networks and thresholds."""


class Reader:
    """Reads numbers and digits with the package's networks, or digits with the user's own."""

    def __init__(
        self,
        model: Any = None,
        threshold: float | None = None,
        threads: int | None = None,
        *,
        max_error: float | None = None,
        decimal: str = DecimalSeparator.AUTO,
        form: str | Path | None = None,
    ) -> None:
        """Load the networks.

        Args:
            model: see `ReaderOptions`; or what `run_recipe` returned, or a Keras model from (n, 784), (n, 28, 28) or
                (n, 28, 28, 1), 0 to 1, to (n, 10). It reads with the weights that such a model has at the time.
            threshold, max_error, decimal, form: see `ReaderOptions`.
            threads: most threads of the package's networks; None takes all cores.

        Raises:
            TendigitsError: there is no such model or form, or a setting is out of range.
        """
        self.network = open_network(model, threads)
        named = model if isinstance(model, str | Path) else None
        self.model: str | Path | Network | None = None if model is None else named or self.network
        self.options = ReaderOptions(named, threshold, max_error, decimal, form)
        self.form = None if form is None else load_form(form)
        if threshold is not None and not 0 <= threshold <= 1:
            raise UserError(f"expected a threshold from 0 to 1, received {threshold}; the default is about 0.9")
        if threshold is not None and max_error is not None:
            raise UserError("expected a threshold or a maximum error, received both; give one of them")
        if decimal not in list(DecimalSeparator):
            raise UserError(f"expected comma, point or auto for decimals, received {decimal!r}")
        self.threshold = self.network.threshold if threshold is None else threshold
        taught = self.network.number_network
        network = number_network.NumberNetwork(taught, threads) if taught else number_network.bundled(threads)
        self.trust = ConfidenceModel.from_metadata(network.about)
        self.number_threshold = self.trust.threshold(max_error) if threshold is None else threshold
        self.number_reader = NumberReader(
            finder.bundled(threads), network, self.network,
            is_user_network=model is not None and not taught, base_network=bundled(threads) if taught else None,
        )  # fmt: skip

    def digit(self, image: Any) -> Digit:
        """Read a picture of one digit: a path, bytes, a Pillow image or an array.

        Raises:
            DataError: the picture is damaged or too large.
        """
        return self.digits([image])[0]

    def digits(self, images: Iterable[Any]) -> list[Digit]:
        """Read several pictures of one digit each; see `digit`.

        Raises:
            UserError: `images` is one path or one file's bytes.
        """
        if isinstance(images, str | bytes | Path):
            raise UserError(f"expected a list of pictures, received {type(images).__name__}; use digit() for one")
        return self.classify_found([find_digit(image) for image in images])

    def classify_found(self, found: list[Found]) -> list[Digit]:
        """Classify located digits."""
        digits = []
        for digit, place in zip(self.classify([each.crop for each in found]), found, strict=True):
            digit = replace(digit, box=place.box, thumbnail=place.thumbnail)
            crowded = digit.accepted and not place.alone
            digits.append(replace(digit, accepted=False, reason="more than one digit") if crowded else digit)
        return digits

    def classify(self, crops: Sequence[Grey]) -> list[Digit]:
        """Classify crops, uint8 (28, 28) each, normalised like MNIST's; the boxes are those of the crops."""
        predictions = self.network(np.array(crops, np.uint8).reshape(-1, FIELD, FIELD))
        return [self._digit(predictions, i, crop, Box(0, 0, FIELD, FIELD)) for i, crop in enumerate(crops)]

    def read(self, image: Any, page: int = 1) -> Page:
        """Read a page: every number in the picture, in reading order, and its tables.

        Args:
            image: a path, bytes, a Pillow image or an array.
            page: of a PDF or a TIFF, from 1.

        Raises:
            DataError: the picture is damaged or too large.
        """
        if self.form is not None:
            return self.read_form(self.form, image, page)
        grey, size = open_page(image, page)
        scale, thumbnail = size[0] / grey.shape[1], Thumbnail.of(grey, size)
        budget = Budget()
        found, seen = self.number_reader.detect(grey, budget), ViewCache()
        if turns := turns_of(self.number_reader, grey, found, seen, budget):
            grey = np.ascontiguousarray(np.rot90(grey, turns))
            found, seen = self.number_reader.detect(grey, budget), ViewCache()
        readings = self.number_reader.read_page(grey, budget, found, seen)
        readings, layouts = read_tables(self.number_reader, grey, readings, cache(self._is_clear), budget)
        position = Upright(scale, turns, size[::-1] if turns % 2 else size)
        lines = self._judged(readings, position)
        tables = [table_of(layout, lines, position) for layout in layouts]
        notice = LEFT_OUT if budget.is_short else None
        return Page(lines, size, tables, 90 * turns, notice=notice, thumbnail=thumbnail)

    def read_form(self, form: Form, image: Any, page: int = 1) -> Page:
        """Read the fields of a form in a picture of it; the arguments are those of `read`.

        Raises:
            DataError: the picture is damaged or too large, or shows another form.
        """
        grey, size = open_page(image, page)
        laid, back = form.align(grey)
        budget = Budget()
        readings, fields = read_fields(self.number_reader, laid, form, budget)
        position = OnForm(size[0] / grey.shape[1], back)
        lines = self._judged(readings, position)
        cells = {name: cell_of(position.box(form.fields[name]), found, lines) for name, found in fields.items()}
        for name, cell in cells.items():
            left, top, right, bottom = cell.box
            if not (0 <= left + right <= 2 * size[0] and 0 <= top + bottom <= 2 * size[1]):
                cells[name] = replace(cell, accepted=False, reason="is not in the picture")
        notice = LEFT_OUT if budget.is_short else None
        return Page(lines, size, fields=cells, notice=notice, thumbnail=Thumbnail.of(grey, size))

    def _judged(self, readings: Sequence[Reading], position: Position) -> list[Number]:
        mark = DecimalSeparator(self.options.decimal)
        if mark is DecimalSeparator.AUTO:
            mark = common_separator(reading.text for reading in readings)
        return [accept(each, self.trust, self.number_threshold, mark, position) for each in readings]

    def _is_clear(self, reading: Reading) -> bool:
        return not reading.is_partial and self.trust.confidence(confidence_features(reading)) >= self.number_threshold

    def _digit(self, predictions: Predictions, i: int, crop: Grey, box: Box) -> Digit:
        """Convert the i-th prediction: accept it, or say why not."""
        shares, is_digit = predictions.digits[i], float(predictions.is_digit[i])
        label = int(shares.argmax())
        reason = None
        if not crop.any():
            is_digit, reason = 0.0, "no digit"
        elif is_digit < 0.5:
            reason = "not a digit"
        elif float(shares[label]) * is_digit < self.threshold:
            others = [str(other) for other in np.argsort(-shares, kind="stable")[:3] if shares[other] > 0.05]
            reason = f"may be {' or '.join(others)}" if len(others) > 1 else "may be no digit"
        return Digit(label, shares, is_digit, box, crop, reason is None, reason)
