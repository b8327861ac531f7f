"""The rows of the Parquet files: one for each number, and one for each picture.

rows_of(result).numbers         # [{"path": "1.png", "order": 1, "value": "12.50", ...}]
"""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tendigits.batch.jobs import Result
from tendigits.errors import printable
from tendigits.geometry import Box

TEXT, INTEGER = pa.string(), pa.int32()

NUMBERS = pa.schema(
    {
        "path": TEXT,
        "order": INTEGER,
        "table": INTEGER,
        "row": INTEGER,
        "column": TEXT,
        "value": TEXT,
        "number": TEXT,
        "confidence": pa.float32(),
        "accepted": pa.bool_(),
        "reason": TEXT,
    }
    | dict.fromkeys(Box._fields, INTEGER)
)
"""The columns of the numbers; the same as those of the CSV."""

PICTURES = pa.schema(
    {"path": TEXT, "width": INTEGER, "height": INTEGER, "numbers": INTEGER, "error": TEXT, "notice": TEXT}
)
"""The columns of the pictures. `error` is why a picture could not be read, `notice` why it was read only in part. If a
path has several rows, the last one counts."""


@dataclass(frozen=True)
class Rows:
    """The rows of one picture; missing columns are null."""

    picture: dict[str, Any]
    numbers: list[dict[str, Any]]


def rows_of(result: Result) -> Rows:
    """Convert a result to rows."""
    page, path = result.page, printable(result.path)
    if page is None:
        return Rows({"path": path, "numbers": 0, "error": printable(str(result.error))}, [])
    cells = page.cells()
    numbers = [
        {
            "path": path, "order": order,
            **dict(zip(("table", "row", "column"), cells.get(order - 1, ()), strict=False)), "value": number.value,
            "number": None if number.number is None else str(number.number), "confidence": number.confidence,
            "accepted": number.accepted, "reason": number.reason, **number.box._asdict(),
        }
        for order, number in enumerate(page.numbers, 1)
    ]  # fmt: skip
    width, height = page.size
    picture = {"path": path, "width": width, "height": height, "numbers": len(numbers), "notice": page.notice}
    return Rows(picture, numbers)
