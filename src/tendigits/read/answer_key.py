"""The answers to the fields of a form: which ones are right, and the points that they add up to.

key = load_key("key.csv")         # field,answer,points
page = key.marked(reader.read("exam.jpg"))
page.marks.points                       # Decimal("7.5"), of page.marks.max_points

Numbers are read without the key, which would make wrong answers right. Errors never show what an answer is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from tendigits.errors import UserError
from tendigits.numbers.grammar import common_separator, to_decimal
from tendigits.read.expectations import Expectation, check_fields, parse_answer, read_rows
from tendigits.read.page import Marks, Page

HEAD = ("field", "answer", "points")  # of the file; without the third column, each answer has one point


class Answer(NamedTuple):
    """What is right in a field, and the points for it."""

    right: Expectation
    points: Decimal


@dataclass(frozen=True)
class Key:
    """The answers, by the names of their fields."""

    answers: Mapping[str, Answer]

    def marked(self, page: Page) -> Page:
        """A page of the form, with its marks."""
        return replace(page, marks=self.marks({name: cell.value for name, cell in page.fields.items()}))

    def marks(self, values: Mapping[str, str]) -> Marks:
        """The marks for what stands in the fields."""
        separator = common_separator(values.values())
        right = {name: answer.right.fits(values[name], separator) for name, answer in self.answers.items()}
        points = sum((self.answers[name].points for name, is_right in right.items() if is_right), Decimal(0))
        max_points = sum((answer.points for answer in self.answers.values()), Decimal(0))
        return Marks(right, points, max_points)

    def check_fields(self, fields: Iterable[str]) -> None:
        """Raise UserError if there is an answer to a field that the form does not have."""
        check_fields(self.answers, fields)


def load_key(path: str | Path) -> Key:
    """Load a key. Raises UserError if it is invalid."""
    return parse_key(read_rows(Path(path)), str(path))


def parse_key(rows: Sequence[Sequence[str]], path: str) -> Key:
    """The key in rows of a CSV, none of which is empty; `path` names it in errors. Raises UserError."""
    if not rows or tuple(map(str.lower, rows[0])) not in (HEAD, HEAD[:2]) or len(rows) == 1:
        raise UserError(f"expected the columns {','.join(HEAD)} and a row for each answer in {path}, received others")
    answers: dict[str, Answer] = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]) or not row[0] or row[0] in answers:
            raise UserError(f"expected {len(rows[0])} values and another field in row {number} of {path}")
        points = to_decimal(row[2]) if len(row) > 2 else Decimal(1)
        if points is None or points < 0:
            raise UserError(f"expected points such as 2 or 0.5 in row {number} of {path}, received others")
        try:
            answers[row[0]] = Answer(parse_answer(row[1]), points)
        except UserError:
            raise UserError(
                f"expected an answer such as 42, 9.8..10 or 1/2|0.5 in row {number} of {path}, received another"
            ) from None
    return Key(answers)
