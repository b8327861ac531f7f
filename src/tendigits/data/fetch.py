"""Fetch one file over HTTP within bounds: of bytes, of silence, of time in all.

    fetch(url, file, max_bytes=64_000_000, timeout=10, limit=600)

pooch downloads; what it leaves to its user is added here: a cap on what comes, and an end for a server that trickles.
"""

import threading
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, TypeVar

from tendigits.errors import DownloadError, TendigitsError

if TYPE_CHECKING:
    import requests
    from rich.progress import Progress

_T = TypeVar("_T")


def fetch(
    url: str, file: IO[bytes], *, max_bytes: int, timeout: float, limit: float, progress: "Progress | None" = None
) -> None:
    """Write what `url` sends to `file`.

    Args:
        url: http or https.
        file: open for writing; holds a part of the answer after an error.
        max_bytes: refuse a longer answer, announced or not.
        timeout: seconds without a connection or a byte after which to give up.
        limit: seconds in all after which to give up.
        progress: a live rich display that gets one more task.

    Raises:
        DownloadError: the answer did not come, not whole, or not in time; says why in a few words.
        OSError: `file` could not be written.
    """
    import pooch

    sink = _Sink(file, max_bytes)
    answers: list[requests.Response] = []

    def begin(answer: "requests.Response", **_: object) -> None:
        answers.append(answer)
        sink.expect(answer.headers.get("Content-Length", ""))

    downloader = pooch.HTTPDownloader(
        progressbar=_Bar(progress) if progress else False,
        chunk_size=1 << 16,
        timeout=timeout,
        headers={"Accept-Encoding": "identity"},  # else the announced length is not that of the file
        hooks={"response": begin},
    )

    def work() -> None:
        try:
            downloader(url, sink, None)
        finally:
            for answer in answers:  # after an error pooch leaves the connection open
                answer.close()

    try:
        within(limit, work)
    except Exception as error:
        explained = _explained(error, timeout)
        if explained is error:
            raise
        raise explained from error
    finally:
        sink.closed = True  # also for a thread that was left behind, or Ctrl-C


def reachable(url: str, timeout: float) -> str:
    """Ask for the head of `url`. Returns "" where it answers 200, else the reason in a few words."""
    import requests

    try:
        answer = within(2 * timeout, lambda: requests.head(url, timeout=timeout, allow_redirects=True))
    except Exception as error:
        return str(_explained(error, timeout))
    return "" if answer.status_code == 200 else f"HTTP status {answer.status_code}"


def within(limit: float, work: Callable[[], _T]) -> _T:
    """Do `work` in a thread and wait `limit` seconds for it; then raise DownloadError and leave the thread behind.

    A time-out on a socket bounds the silence between two bytes only. Names that do not resolve, or headers and bodies
    that come byte by byte, are bounded here.
    """
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="tendigits-fetch", daemon=True)
    thread.start()
    thread.join(limit)
    if thread.is_alive():
        raise DownloadError(f"not done within {limit:g} s")
    if errors:
        raise errors[0]
    return results[0]


class _Sink:
    """The file as pooch sees it: it takes no more than `max_bytes`, and nothing once `closed`."""

    def __init__(self, file: IO[bytes], max_bytes: int) -> None:
        self.closed = False
        self._file = file
        self._left = self._max = max_bytes

    def expect(self, length: str) -> None:
        if length.isdecimal() and int(length) > self._max:
            raise DownloadError(f"the server announces {int(length):,} bytes, over the cap of {self._max:,}")

    def write(self, data: bytes) -> None:
        if self.closed:
            raise DownloadError("given up")
        if len(data) > self._left:
            raise DownloadError(f"the server sends more than the cap of {self._max:,} bytes")
        self._left -= len(data)
        self._file.write(data)

    def flush(self) -> None:
        """Nothing to do: the caller closes the file, and pooch would flush after each chunk."""


class _Bar:
    """A task of a rich display with the four names that pooch calls."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task = progress.add_task("MNIST", total=None)
        self._total = 0

    @property
    def total(self) -> int:
        return self._total

    @total.setter
    def total(self, n_bytes: int) -> None:
        self._total = n_bytes
        self._progress.update(self._task, total=n_bytes or None)

    def update(self, n: int) -> None:
        self._progress.advance(self._task, n)

    def reset(self) -> None:
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Nothing to do: the caller's display goes on."""


def _explained(error: Exception, timeout: float) -> Exception:
    import requests

    if isinstance(error, TendigitsError):
        return error
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return DownloadError(f"no answer within {timeout:g} s")
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return DownloadError(f"HTTP status {error.response.status_code}")
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return DownloadError("the connection ended before the file did")
    if isinstance(error, requests.exceptions.SSLError):
        return DownloadError("the server's certificate was not accepted")
    if isinstance(error, requests.ConnectionError):
        return DownloadError("the server cannot be reached")
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return error  # the disk, not the network
    return DownloadError(f"{type(error).__name__} ({' '.join(str(error).split())[:200]})")
