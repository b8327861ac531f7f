"""Every error that tendigits raises on purpose, in one tree.

    TendigitsError
    ├── UserError            exit code 2: what was asked for cannot be done
    │   ├── DataError        images or labels that are not what they should be
    │   ├── RecipeError      a knob that is unknown or impossible
    │   ├── ModelFileError   a file that is not a complete, safe digit model
    │   ├── RunError         a run folder that is missing, taken or of another format
    │   ├── StoreError       corrections that cannot be kept, or a store that is damaged
    │   └── MissingExtraError    optional packages that are not installed; an ImportError too
    ├── Failure              exit code 1: it could have worked, and did not
    │   ├── DownloadError    a file could not be downloaded whole
    │   ├── DiskError        a file could not be written; the old one is still there
    │   ├── DivergedError    the loss or a weight is no longer a finite number
    │   └── HostError        a host or cluster that takes part cannot be reached, or is gone
    └── Interrupted          exit code 130 or 143: Ctrl-C or SIGTERM; the run can be resumed

A message says what was expected, what was received and what to do, in one line.
"""


class TendigitsError(Exception):
    """Base of all errors that tendigits raises on purpose; `exit_code` is the command's."""

    exit_code = 1


class UserError(TendigitsError):
    """What was asked for cannot be done."""

    exit_code = 2


class DataError(UserError):
    """Images or labels are not what they should be."""


class RecipeError(UserError):
    """A knob of a recipe is unknown or its value impossible."""


class ModelFileError(UserError):
    """A file is not a complete, safe model that tells ten digits apart."""


class RunError(UserError):
    """A run folder is missing, taken, unfinished or of another format."""


class StoreError(UserError):
    """A correction cannot be kept, or the store cannot be reached, is damaged or of a newer format."""


class MissingExtraError(UserError, ImportError):
    """Optional packages are not installed."""


class Failure(TendigitsError):
    """It could have worked, and did not."""


class DownloadError(Failure):
    """A file could not be downloaded whole."""


class DiskError(Failure):
    """A file could not be written; what was there before is still there."""


class DivergedError(Failure):
    """The loss or a weight is no longer a finite number."""


class HostError(Failure):
    """Another host, or a cluster, that takes part cannot be reached or is gone."""


class Interrupted(TendigitsError):
    """Ctrl-C or SIGTERM ended the work; what is saved can be resumed."""

    def __init__(self, message: str, signal_number: int = 2) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
