"""Read numbers in pictures.

reader = tendigits.Reader()
reader.read("page.jpg").numbers[0].value        # a page: every number on it
reader.digit("seven.png").label                 # a picture of one digit
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tendigits.data.preprocess import FIELD
from tendigits.digits.find import Found, find_digit, open_page
from tendigits.digits.network import Network, Predictions, bundled, open_network
from tendigits.errors import UserError
from tendigits.geometry import Box
from tendigits.numbers import finder
from tendigits.numbers import network as number_network
from tendigits.numbers.confidence import ConfidenceModel
from tendigits.numbers.crops import Budget
from tendigits.numbers.grammar import DecimalSeparator
from tendigits.numbers.reader import NumberReader
from tendigits.pictures.documents import count_pages_of
from tendigits.pictures.image import Grey
from tendigits.read.accept import Acceptance
from tendigits.read.expectations import NOTHING, Expectations, parse
from tendigits.read.find_sheet import find_sheet
from tendigits.read.forms import Corners, Form, load_form
from tendigits.read.page import Page
from tendigits.read.read_page import read_form, read_page, read_sheet
from tendigits.read.results import Digit
from tendigits.tables.checks import parse_sums

MIN_IS_DIGIT = 0.5  # probability of being a digit; with less, it is called not a digit
MIN_ALTERNATIVE = 0.05  # probability from which a reason names another digit
MAX_ALTERNATIVES = 3  # digits that a reason names
TIME_FOR_A_PAGE = 0.8  # of the seconds after which its process is ended


@dataclass(frozen=True)
class ReaderOptions:
    """What a reader is made from. Equal options make equal readers, in another process too.

    Raises:
        UserError: an option is out of range, or two exclude each other.
    """

    model: str | Path | None = None
    """A run's folder or a model file that classifies digits; None uses the package's network."""
    threshold: float | None = None
    """Confidence from which a digit or a number is accepted, 0 to 1; None uses the networks' defaults."""
    max_error: float | None = None
    """Instead of a threshold for numbers: the largest fraction of wrong ones among the accepted, 0 to 1."""
    decimal: str = DecimalSeparator.AUTO  # decimal separator: "comma", "point" or "auto"
    form: str | Path | None = None
    """A form's TOML file: pictures are aligned with the form, and the numbers in its fields are read; see `forms`."""

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UserError(f"expected a threshold from 0 to 1, received {self.threshold}; the default is about 0.9")
        if self.max_error is not None and not 0 < self.max_error < 1:
            raise UserError(f"expected a maximum error as a fraction, 0.05 for 5%, received {self.max_error}")
        if self.threshold is not None and self.max_error is not None:
            raise UserError("expected a threshold or a maximum error, received both; give one of them")
        if self.decimal not in list(DecimalSeparator):
            raise UserError(f"expected comma, point or auto for decimals, received {self.decimal!r}")

    def open(self, threads: int | None = None) -> "Reader":
        """Make the reader; raises what `Reader` raises."""
        return Reader(threads=threads, **vars(self))


PACKAGE = ReaderOptions()  # the package's networks and thresholds


class Reader:
    """Reads numbers and digits with the package's networks, or digits with the user's network."""

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
            model: see `ReaderOptions`; or the result of `run_recipe`, or a Keras model from (n, 784), (n, 28, 28) or
                (n, 28, 28, 1), 0 to 1, to (n, 10), which is used with its current weights.
            threshold, max_error, decimal, form: see `ReaderOptions`.
            threads: maximum for the package's networks; None uses all cores.

        Raises:
            TendigitsError: the model or the form does not exist, or an option is out of range.
        """
        path = model if isinstance(model, str | Path) else None
        self.options, self.threads = ReaderOptions(path, threshold, max_error, decimal, form), threads
        self.seconds: float | None = None  # that a page may take; then its notice names the rows that were not read
        if model is not None:
            self.network = open_network(model, threads)
        self.model: str | Path | Network | None = None if model is None else path or self.network
        self.form = None if form is None else load_form(form)
        fine_tuned = b"" if model is None else self.network.number_network
        network = number_network.NumberNetwork(fine_tuned, threads) if fine_tuned else number_network.bundled(threads)
        self.confidence_model = ConfidenceModel.from_metadata(network.about)
        self.number_threshold = self.confidence_model.threshold(max_error) if threshold is None else threshold
        digits, base_network = None if model is None else self.network, bundled(threads) if fine_tuned else None
        self.number_reader = NumberReader(finder.bundled(threads), network, digits, base_network)

    @cached_property
    def network(self) -> Network:
        """What digits are classified with. The package's is opened once it is needed: it does not read numbers."""
        return bundled(self.threads)

    @property
    def threshold(self) -> float:
        """The confidence, 0 to 1, from which a digit is accepted."""
        return self.network.threshold if self.options.threshold is None else self.options.threshold

    def __reduce__(self) -> tuple[Any, ...]:
        if isinstance(self.model, Network):
            raise UserError("expected a reader made from a path, received one of a model in memory; save it first")
        return ReaderOptions.open, (self.options, self.threads)

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
        """Classify digits that were found in pictures of one digit."""
        digits = []
        for digit, each in zip(self.classify([each.crop for each in found]), found, strict=True):
            digit = replace(digit, box=each.box, thumbnail=each.thumbnail)
            if digit.accepted and not each.alone:
                digit = replace(digit, accepted=False, reason="more than one digit")
            digits.append(digit)
        return digits

    def classify(self, crops: Sequence[Grey]) -> list[Digit]:
        """Classify crops, uint8 (28, 28) each, normalised like MNIST's; the boxes are those of the crops."""
        predictions = self.network(np.array(crops, np.uint8).reshape(-1, FIELD, FIELD))
        return [self._digit(predictions, i, crop) for i, crop in enumerate(crops)]

    def read(
        self,
        image: Any,
        page: int | None = None,
        expect: str | Expectations = "",
        sums: str | None = None,
        debug: bool = False,
    ) -> Page:
        """Read a page: every number in the picture, in reading order, and its tables.

        Args:
            image: a path, bytes, a Pillow image or an array.
            page: of a PDF or a TIFF, from 1; None is the first one, whose notice says if there are more.
            expect: what is expected in columns, in fields or everywhere, such as "A: 0..100, B: roster.csv"; see
                `expectations.parse`.
            sums: where tables have sums: "auto", "last-column", "last-row", "both" or "none".
            debug: keep what each stage of reading found, for `Page.debug`.

        Raises:
            UserError: `expect` or `sums` is invalid.
            DataError: the picture is damaged or too large.
        """
        expected = parse(expect, fields=self.form is not None)
        if sums is not None:
            expected = replace(expected, sums=parse_sums(sums))
        read = self.read_opened(*open_page(image, page or 1), expected, debug)
        if page is not None or (n_pages := count_pages_of(image)) == 1:
            return read
        notice = f"This is page 1 of {n_pages}. Reader.pages() reads all of them."
        return replace(read, n_pages=n_pages, notice=f"{read.notice or ''} {notice}".strip())

    def pages(self, document: Any, expect: str | Expectations = "", sums: str | None = None) -> Iterator[Page]:
        """Read the pages of a PDF or a TIFF one by one; the arguments, and what is raised, are those of `read`."""
        n_pages = count_pages_of(document)
        for page in range(1, n_pages + 1):
            yield replace(self.read(document, page, expect, sums), n_pages=n_pages)

    def read_opened(
        self, grey: Grey, size: tuple[int, int], expected: Expectations = NOTHING, debug: bool = False
    ) -> Page:
        """Read a page that `open_page` has opened; see `read`."""
        if self.form is not None:
            return read_form(self.number_reader, self._acceptance, self.form, grey, size, self._budget(), expected)
        if (found := find_sheet(grey)) is not None:
            readers = self.number_reader, self.network
            return read_sheet(*readers, self._acceptance, found, grey, size, self._budget(), expected)
        return read_page(self.number_reader, self._acceptance, grey, size, self._budget(), expected, debug)

    def read_form(
        self,
        form: Form,
        image: Any,
        page: int = 1,
        expect: str | Expectations = "",
        corners: Corners | None = None,
    ) -> Page:
        """Read the fields of a form in a picture of it; the other arguments are those of `read`.

        Args:
            form: see `load_form`.
            image: a path, bytes, a Pillow image or an array.
            page: of a PDF or a TIFF, from 1.
            expect: what is expected in the fields.
            corners: where the form lies in the picture, if its details do not show it; see `Form.align`.

        Raises:
            UserError: `expect` is invalid, or is about a field that the form does not have; so are the corners.
            DataError: the picture is damaged or too large, or shows another form.
        """
        opened, expected = open_page(image, page), parse(expect, fields=True)
        return read_form(self.number_reader, self._acceptance, form, *opened, self._budget(), expected, corners)

    @property
    def _acceptance(self) -> Acceptance:
        """How numbers are accepted."""
        return Acceptance(self.confidence_model, self.number_threshold, DecimalSeparator(self.options.decimal))

    def _budget(self) -> Budget:
        return Budget(seconds=self.seconds)

    def _digit(self, predictions: Predictions, i: int, crop: Grey) -> Digit:
        """Convert the i-th prediction: accepted, or with the reason why not."""
        probabilities, is_digit = predictions.digits[i], float(predictions.is_digit[i])
        label = int(probabilities.argmax())
        reason = None
        if not crop.any():
            is_digit, reason = 0.0, "no digit"
        elif is_digit < MIN_IS_DIGIT:
            reason = "not a digit"
        elif float(probabilities[label]) * is_digit < self.threshold:
            likely = np.argsort(-probabilities, kind="stable")[:MAX_ALTERNATIVES]
            names = [str(digit) for digit in likely if probabilities[digit] > MIN_ALTERNATIVE]
            reason = f"may be {' or '.join(names)}" if len(names) > 1 else "may be no digit"
        return Digit(label, probabilities, is_digit, Box(0, 0, FIELD, FIELD), crop, reason is None, reason)
