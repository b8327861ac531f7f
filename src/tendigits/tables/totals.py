"""Where the sums of a table stand; alone here, so that the command line needs no numpy for its help."""

from enum import StrEnum


class Sums(StrEnum):
    """Where the sums of a table stand."""

    AUTO = "auto"
    """Where they agree with most rows or columns."""
    LAST_COLUMN = "last-column"
    LAST_ROW = "last-row"
    BOTH = "both"
    NONE = "none"
