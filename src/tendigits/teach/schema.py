"""The tables of the store; what must not be in them is refused by the database, too."""

from sqlalchemy import JSON, CheckConstraint, Column, DateTime, Integer, LargeBinary, MetaData, String, Table

SCHEMA = 1
"""The version of what is below."""

metadata = MetaData()

version = Table("version", metadata, Column("number", Integer, primary_key=True))

corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("patch", LargeBinary, CheckConstraint("length(patch) = 784"), key="crop", nullable=False),
    Column("label", Integer, CheckConstraint("label BETWEEN 0 AND 9")),  # no label is no digit
    Column("said", Integer, CheckConstraint("said BETWEEN 0 AND 9")),
    Column("source", String(16), CheckConstraint("source IN ('draw', 'picture', 'api', 'import')"), nullable=False),
    Column("network", String(64), nullable=False),
    Column("created", DateTime, nullable=False),
    sqlite_autoincrement=True,  # an undone number is not given again
)

networks = Table(
    "networks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("base", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("report", JSON, nullable=False),
    Column("created", DateTime, nullable=False),
    Column("accepted", DateTime),
    Column("retired", DateTime),
    sqlite_autoincrement=True,
)
