"""Every error that tendigits raises on purpose.

A UserError means that the request is wrong (exit code 2), a Failure that it could not be carried out (exit code 1).
A message is one line: what was expected, what was received and what to do. Names in it go through `printable` when
they are shown.
"""

import re
import signal


class TendigitsError(Exception):
    """Base class of all errors that tendigits raises on purpose; `exit_code` is the command's exit code."""

    exit_code = 1


class UserError(TendigitsError):
    """The request is wrong."""

    exit_code = 2


class DataError(UserError):
    """Images or labels are invalid."""


class RecipeError(UserError):
    """A setting of a recipe is unknown or its value invalid."""


class ModelFileError(UserError):
    """A file is not a complete, safe model of ten digits."""


class RunError(UserError):
    """A run folder is missing, taken, unfinished or of another format."""


class StoreError(UserError):
    """A correction cannot be stored, or the store cannot be reached, is damaged or of a newer format."""


class MissingExtraError(UserError, ImportError):
    """Optional packages are not installed."""


class Failure(TendigitsError):
    """The request is fine, but carrying it out failed."""


class DownloadError(Failure):
    """A file could not be downloaded completely."""


class DiskError(Failure):
    """A file could not be written; the old one is unchanged."""


class DivergedError(Failure):
    """The loss or a weight is no longer a finite number."""


class HostError(Failure):
    """Another host or a cluster cannot be reached."""


class Interrupted(TendigitsError):
    """Ctrl-C or SIGTERM ended the work; the run can be resumed."""

    def __init__(self, message: str, signal_number: int = 2) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


class Terminated(KeyboardInterrupt):
    """SIGTERM was received. As for Ctrl-C, no `except Exception` of a library catches it."""

    signal_number = signal.SIGTERM


# Control characters, line separators, marks of the direction of text, and surrogates, for bytes that are not UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Escape the characters that cannot be printed on one line of a terminal: a newline becomes \\n."""
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if "\udc80" <= character <= "\udcff":  # a byte, in Python's "surrogateescape" encoding
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def reason_of(error: BaseException | None) -> str:
    """An error's message in one line of at most 300 characters; of an OSError without number and file name."""
    text = (isinstance(error, OSError) and error.strerror) or str(error)
    return " ".join(text.split())[:300]
