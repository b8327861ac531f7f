"""What is sent to a process that reads, and what comes back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tendigits.errors import DataError

if TYPE_CHECKING:
    from tendigits.read.page import Page

ADVICE = "make it smaller, or save it again"


class Job(NamedTuple):
    """One page, or several pictures of one digit; paths may be addresses."""

    paths: tuple[str, ...]
    one: bool


@dataclass(frozen=True, eq=False)
class Result:
    """A picture that was read, or the reason why it was not."""

    path: str
    page: "Page | None"
    error: DataError | None
