"""The tables of the store, and what their rows stand for. A damaged row is named in the log and left out.

digits = intact(connection.execute(select(corrections)), to_correction)

Constraints refuse invalid values even if a bug lets them through. But SQLite takes any type in any column, and a disk
or another program may have put anything there.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, MetaData, Row, String, Table

from tendigits.errors import UserError, printable, reason_of
from tendigits.numbers.decode import CHARACTERS, HEIGHT
from tendigits.teach.corrections import Correction, NumberCorrection

log = logging.getLogger("tendigits.teach")

Kept = TypeVar("Kept")

SCHEMA = 4
"""Version of the tables below; migrations.py leads from each older version to the next."""


class _Lenient(sa.TypeDecorator[Any]):
    """Another value than of this type, which SQLite may hold, is read as None."""

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Any]:
        """From the database."""
        convert = super().result_processor(dialect, coltype) or (lambda value: value)

        def read(value: Any) -> Any:
            try:
                return convert(value)
            except (TypeError, ValueError):
                return None

        return read


class Json(_Lenient):
    """A value of JSON."""

    impl = sa.JSON
    cache_ok = True


class UtcDateTime(_Lenient):
    """A time, stored in UTC and without a zone, which SQLite cannot store."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """For the database."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = MetaData()

version = Table("version", metadata, Column("number", Integer, primary_key=True))

corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("crop", LargeBinary, CheckConstraint("length(crop) = 784"), nullable=False),
    Column("label", Integer, CheckConstraint("label BETWEEN 0 AND 9")),  # NULL: not a digit
    Column("predicted", Integer, CheckConstraint("predicted BETWEEN 0 AND 9")),
    Column("source", String(16), CheckConstraint("source IN ('draw', 'picture', 'api', 'import')"), nullable=False),
    Column("network", String(64), nullable=False),
    Column("created", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,  # the id of a deleted correction is never used again
)

numbers = Table(
    "numbers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("strip", LargeBinary, nullable=False),  # 40 rows of pixels
    Column("text", String(512), nullable=False),  # empty: no number
    Column("predicted", String(512), nullable=False),
    Column("source", String(16), CheckConstraint("source IN ('picture', 'api', 'import')"), nullable=False),
    Column("network", String(64), nullable=False),
    Column("created", UtcDateTime, nullable=False),
    CheckConstraint("length(strip) BETWEEN 960 AND 163840 AND length(strip) = 160 * (length(strip) / 160)"),
    *(
        CheckConstraint(f"trim({name}, '{CHARACTERS}') = '' AND length({name}) <= length(strip) / 320")
        for name in ("text", "predicted")
    ),
    sqlite_autoincrement=True,
)

networks = Table(
    "networks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("base", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("report", Json, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("accepted", UtcDateTime),
    Column("retired", UtcDateTime),
    Column("acceptance", Integer),  # counts acceptances; the highest is the last one, whatever the clock says
    sqlite_autoincrement=True,
)


@dataclass(frozen=True)
class FineTunedNetwork:
    """A network fine-tuned on corrections, and how well it reads."""

    id: int
    sha256: str
    base: str
    """SHA-256 of the network that it started from."""
    created: datetime
    accepted: datetime | None
    retired: datetime | None
    report: dict[str, Any]
    """Its accuracy before and after, as pipeline.py writes it."""


def intact(rows: Iterable[Row[Any]], convert: Callable[[Row[Any]], Kept]) -> list[Kept]:
    """What `convert` makes of each row, without those for which it raises UserError, TypeError or ValueError."""
    kept = []
    for row in rows:
        try:
            kept.append(convert(row))
        except (UserError, TypeError, ValueError) as error:
            _warn(f"the store's {_NAMES[convert]} {row.id} is damaged and left out: {reason_of(error)}")
    return kept


@lru_cache(1000)
def _warn(message: str) -> None:
    """Say it once: a server asks for its networks every few seconds."""
    log.warning("%s", printable(message))


def to_correction(row: Row[Any]) -> Correction:
    """From a row of `corrections`."""
    _check(row, source=str, network=str, created=datetime)
    for label in (row.label, row.predicted):
        if label is not None and (type(label) is not int or not 0 <= label <= 9):
            raise ValueError(f"expected a label from 0 to 9 or none, found {label!r}")
    crop = np.frombuffer(row.crop, np.uint8).reshape(28, 28)
    return Correction(crop, row.label, row.predicted, row.source, row.network, row.created, row.id)


def to_number(row: Row[Any]) -> NumberCorrection:
    """From a row of `numbers`."""
    _check(row, text=str, predicted=str, source=str, network=str, created=datetime)
    strip = np.frombuffer(row.strip, np.uint8).reshape(HEIGHT, -1)
    return NumberCorrection(strip, row.text, row.predicted, row.source, row.network, row.created, row.id)


def to_network(row: Row[Any]) -> FineTunedNetwork:
    """From a row of `networks` without its file."""
    _check(row, sha256=str, base=str, created=datetime, report=dict)
    return FineTunedNetwork(**row._mapping)


def _check(row: Row[Any], **types: type) -> None:
    """Raise ValueError unless the columns have these types."""
    for name, expected in types.items():
        if not isinstance(value := row._mapping[name], expected):
            raise ValueError(f"expected {name} as {expected.__name__}, found {type(value).__name__}")


_NAMES: dict[Callable[[Row[Any]], object], str] = {
    to_correction: "correction of a digit",
    to_number: "correction of a number",
    to_network: "network",
}
