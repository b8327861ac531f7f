"""How pictures are read, here or in a worker process.

ReadOptions(one=True)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tendigits.read.expectations import Expectations


@dataclass(frozen=True)
class ReadOptions:
    """How pictures are read."""

    settings: Mapping[str, Any] = field(default_factory=dict)  # keyword arguments of `Reader`
    one: bool = False  # each picture is of one digit
    show: bool = False  # each page is a `ShownPage`
    workers: int | None = None  # processes; None chooses it by the number of pictures and cores
    # Seconds for a picture; None for no limit. A page takes about two, the rest is for slow disks and busy machines.
    timeout: float | None = 60.0
    document_timeout: float | None = 600.0  # seconds until the rest of a document is not read; None for no limit
    expected: "Expectations | None" = None  # in columns, in fields or everywhere
