"""Read numbers in pictures.

reader = tendigits.Reader()
reader.read("page.jpg").numbers[0].value        # a page: every number on it
reader.digit("seven.png").label                 # a picture of one digit
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import FIELD
from tendigits.digits.find import Found, Thumbnail, find_digit, open_page
from tendigits.digits.foreground import median
from tendigits.digits.network import Network, Predictions, bundled, open_network
from tendigits.errors import UserError
from tendigits.geometry import Box
from tendigits.numbers import finder
from tendigits.numbers import network as number_network
from tendigits.numbers.confidence import ConfidenceModel
from tendigits.numbers.crops import Budget
from tendigits.numbers.decode import Edges
from tendigits.numbers.detections import Detection, in_rows
from tendigits.numbers.grammar import DecimalSeparator, common_separator
from tendigits.numbers.reader import NumberReader
from tendigits.numbers.reading import Reading, confidence_features
from tendigits.pictures.documents import count_pages_of
from tendigits.pictures.image import Grey
from tendigits.read.accept import ToPicture, accept, cell_of, table_of, with_verdicts, without_pieces
from tendigits.read.cells import CellReader
from tendigits.read.context import read_tables
from tendigits.read.expectations import NOTHING, Expectations, parse
from tendigits.read.find_sheet import FoundSheet, find_sheet
from tendigits.read.forms import Corners, Form, load_form, read_fields
from tendigits.read.orientation import turns_of
from tendigits.read.page import BLURRED, FAINT, ROWS_LEFT_OUT, TINY, TOO_MANY, Page
from tendigits.read.read_sheet import read_cells, sheet_table
from tendigits.read.results import Digit, Number
from tendigits.read.sharpness import is_blurred, is_faint, is_tiny
from tendigits.read.stages import Stages
from tendigits.read.sums import check_sums
from tendigits.tables.cell import column_name
from tendigits.tables.checks import check, check_relations, parse_sums
from tendigits.tables.columns import in_context
from tendigits.tables.flat_sheet import NO_RULES, find_rules
from tendigits.tables.paper import whiten

MIN_IS_DIGIT = 0.5  # probability of being a digit; with less, it is called not a digit
MIN_ALTERNATIVE = 0.05  # probability from which a reason names another digit
MAX_ALTERNATIVES = 3  # digits that a reason names
MIN_NUMBERS_TO_WHITEN = 3  # with fewer, what is dark is writing, and not a black or dotted column
NAMED_PER_READ = 2  # detections of a page, for each one that is read at most
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
        self.network = open_network(model, threads)
        self.model: str | Path | Network | None = None if model is None else path or self.network
        self.form = None if form is None else load_form(form)
        self.threshold = self.network.threshold if threshold is None else threshold
        fine_tuned = self.network.number_network
        network = number_network.NumberNetwork(fine_tuned, threads) if fine_tuned else number_network.bundled(threads)
        self.confidence_model = ConfidenceModel.from_metadata(network.about)
        self.number_threshold = self.confidence_model.threshold(max_error) if threshold is None else threshold
        is_user_network = model is not None and not fine_tuned
        base_network = bundled(threads) if fine_tuned else None
        self.number_reader = NumberReader(finder.bundled(threads), network, self.network, is_user_network, base_network)

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
            return self._read_form(self.form, grey, size, expected)
        if (found := find_sheet(grey)) is not None:
            return self._read_sheet(found, grey, size, expected)
        scale, thumbnail = size[0] / grey.shape[1], Thumbnail.of(grey, size)
        budget = Budget(seconds=self.seconds)
        grey, detections = self._find(grey, budget)
        crops = self.number_reader.crops(grey)
        if turns := turns_of(self.number_reader, detections, crops, budget):
            grey = np.ascontiguousarray(np.rot90(grey, turns))
            detections, crops = self._detect(grey, budget), self.number_reader.crops(grey)
        detections, below = _from_the_top(detections, self.number_reader.options.max_numbers)
        budget.left_out += below
        rules = find_rules(grey, detections) if detections else NO_RULES
        crops = crops.with_rules(rules.long)
        readings, unread = self.number_reader.read_page(grey, budget, detections, crops)
        how_sure = cache(self._confidence), self.number_threshold
        cells = CellReader(self.number_reader, crops, rules, *how_sure, budget)
        readings, layouts = read_tables(cells, readings)
        upright_size = size[::-1] if turns % 2 else size

        def to_picture(edges: Edges) -> Box:
            return Box(*(round(scale * edge) for edge in edges)).turned(turns, upright_size)

        columns = [(column_name(c), each) for layout in layouts for (_, c), each in layout.cells.items()]
        in_tables = [[i for each in layout.cells.values() for i in each] for layout in layouts if layout.is_dense]
        numbers = self._accept(readings, to_picture, expected, columns)
        numbers = check_sums(without_pieces(numbers, readings, chain(*in_tables)), in_tables)
        tables = [table_of(layout, numbers, [*unread, *budget.left_out], grey, to_picture) for layout in layouts]
        tables = [check(in_context(table), expected.sums, expected.formulas) for table in tables]
        in_cells = [
            (table.rows[row][column], indices)
            for layout, table in zip(layouts, tables, strict=True)
            for (row, column), indices in layout.cells.items()
        ]
        numbers = with_verdicts(numbers, in_cells)
        accepted = sum(number.accepted for number in numbers) / max(1, len(numbers))
        read = [each.detection for each in readings]
        missed = left_out(readings, budget)
        notices = missed + [BLURRED] * is_blurred(grey, read, accepted) + [TINY] * is_tiny(read)
        notices += [FAINT] * (not read and not notices and is_faint(grey))
        if missing := sorted(expected.targets.keys() - {name for name, _ in columns}):
            notices.append(f"There is nothing in column {', '.join(missing)}, of which something is expected.")
        places = [to_picture(each.edges) for each in unread]
        verdicts = [number.accepted for number in numbers]
        stages = Stages(grey, rules.pieces, detections, layouts, readings, verdicts) if debug else None
        return Page(
            numbers, size, tables, 90 * turns,
            unread=places, is_whole=not missed, notice=" ".join(notices) or None, thumbnail=thumbnail, stages=stages,
        )  # fmt: skip

    def _find(self, grey: Grey, budget: Budget) -> tuple[Grey, list[Detection]]:
        """A page without what is printed behind its numbers, and where these may stand."""
        detections = self._detect(grey, budget)
        if len(detections) < MIN_NUMBERS_TO_WHITEN:
            return grey, detections
        blank = whiten(grey, median([each.height for each in detections]))
        return (grey, detections) if blank is grey else (blank, self._detect(blank, budget))

    def _detect(self, grey: Grey, budget: Budget) -> list[Detection]:
        """Where numbers may stand, more than are read, so that the rows of the others can be named."""
        options = self.number_reader.options
        wide = replace(options, max_numbers=NAMED_PER_READ * options.max_numbers)
        return replace(self.number_reader, options=wide).detect(grey, budget)

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
        return self._read_form(form, *open_page(image, page), parse(expect, fields=True), corners)

    def _read_form(
        self, form: Form, grey: Grey, size: tuple[int, int], expected: Expectations, corners: Corners | None = None
    ) -> Page:
        expected.check_fields(form.fields)
        aligned, homography = form.align(grey, corners)
        budget = Budget(seconds=self.seconds)
        readings, fields = read_fields(self.number_reader, aligned, form, budget)
        scale = size[0] / grey.shape[1]

        def to_picture(edges: Edges) -> Box:
            return _box_around(cv2.perspectiveTransform(_corners(edges)[None], homography)[0] * scale)

        numbers = self._accept(readings, to_picture, expected, fields.items())
        cells = {name: cell_of(to_picture(form.fields[name]), indices, numbers) for name, indices in fields.items()}
        for name, cell in cells.items():
            left, top, right, bottom = cell.box
            if not (0 <= left + right <= 2 * size[0] and 0 <= top + bottom <= 2 * size[1]):
                cells[name] = replace(cell, accepted=False, reason="is not in the picture")
        cells = check_relations(cells, [formula.of_fields([*cells]) for formula in expected.formulas])
        numbers = with_verdicts(numbers, [(cells[name], indices) for name, indices in fields.items()])
        notice = " ".join(left_out(readings, budget)) or None
        return Page(numbers, size, fields=cells, is_whole=not notice, notice=notice, thumbnail=Thumbnail.of(grey, size))

    def _read_sheet(self, found: FoundSheet, grey: Grey, size: tuple[int, int], expected: Expectations) -> Page:
        """Read a page of a printed sheet, whose columns are expected to be what its code says."""
        sheet, scale = found.code.sheet, size[0] / grey.shape[1]
        known, budget = sheet.expectations, Budget(seconds=self.seconds)
        expected = replace(
            known, targets={**known.targets, **expected.targets}, formulas=(*known.formulas, *expected.formulas)
        )

        def to_picture(edges: Edges) -> Box:
            return _box_around(found.to_photo(_corners(edges)) * scale)

        read = read_cells(self.number_reader, self.network, found, budget)
        members = [(column_name(column), indices) for (_, column), indices in read.indices.items()]
        numbers = self._accept(read.readings, to_picture, expected, members)
        table = sheet_table(found, read, numbers, to_picture, expected.formulas)
        cells = [(table.rows[row + 1][column], indices) for (row, column), indices in read.indices.items() if indices]
        numbers = with_verdicts(numbers, cells)
        notice = " ".join(left_out(read.readings, budget)) or None
        return Page(
            numbers, size, [table], found.turned, sheet=found.code,
            is_whole=not notice, notice=notice, thumbnail=Thumbnail.of(grey, size),
        )  # fmt: skip

    def _accept(
        self,
        readings: Sequence[Reading],
        to_picture: ToPicture,
        expected: Expectations,
        members: Iterable[tuple[str, Sequence[int]]],
    ) -> list[Number]:
        """The results of readings; `members` are names of columns or fields, with indices of readings in them."""
        expectations = {i: expected.of(name) for name, indices in members for i in indices}
        separator = DecimalSeparator(self.options.decimal)
        if separator is DecimalSeparator.AUTO:
            separator = common_separator(reading.text for reading in readings)
        model, threshold = self.confidence_model, self.number_threshold
        return [
            accept(reading, model, threshold, separator, to_picture, expectations.get(i))
            for i, reading in enumerate(readings)
        ]

    def _confidence(self, reading: Reading) -> float:
        """0 to 1: how probable it is that a number was read right; 0 if it is in doubt."""
        return 0.0 if reading.doubt else self.confidence_model.confidence(confidence_features(reading))

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


def _corners(edges: Edges) -> NDArray[np.float64]:
    """The corners of a box, float64 (4, 2)."""
    left, top, right, bottom = edges
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _box_around(points: NDArray[np.float64]) -> Box:
    """The box around some points, float64 (n, 2)."""
    return Box(*(round(edge) for edge in (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())))


def left_out(readings: Sequence[Reading], budget: Budget) -> list[str]:
    """A notice of the rows that were not read, counted from 1, if there are any."""
    if budget.is_truncated or not budget.left_out:
        return [TOO_MANY] * budget.is_truncated
    rows = in_rows([*(reading.detection for reading in readings), *budget.left_out])
    first, *_, last = [n for n, row in enumerate(rows, 1) if max(row) >= len(readings)] * 2
    return [ROWS_LEFT_OUT.format(f"Row {first} was" if first == last else f"Rows {first} to {last} were")]


def _from_the_top(detections: Sequence[Detection], n: int) -> tuple[list[Detection], list[Detection]]:
    """The first n detections in reading order, and those below them; each the best first."""
    if len(detections) <= n:
        return [*detections], []
    first = {*[*chain.from_iterable(in_rows(detections))][:n]}
    return [d for i, d in enumerate(detections) if i in first], [d for i, d in enumerate(detections) if i not in first]
