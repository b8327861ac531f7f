"""The tables of the store. Their constraints refuse invalid values even if a bug lets them through."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, MetaData, String, Table

from tendigits.lines.decode import CHARACTERS

SCHEMA = 4
"""Version of the tables below; migrations.py leads from each older version to the next."""


class UtcDateTime(sa.TypeDecorator[datetime]):
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
    Column("report", sa.JSON, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("accepted", UtcDateTime),
    Column("retired", UtcDateTime),
    Column("acceptance", Integer),  # counts acceptances; the highest is the last one, whatever the clock says
    sqlite_autoincrement=True,
)
