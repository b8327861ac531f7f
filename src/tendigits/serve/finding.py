"""Processes that find the digit in pictures of one digit, so that Python's lock is left to who answers requests.

finders = Finders(2)
found = await finders.find([png, another])      # of each picture a Found, or the DataError that says why not

They talk by pickles over pipes, which nobody else writes to. A process ends when its pipe does, however its parent did.
"""

import asyncio
import os
import pickle
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from tendigits.errors import DataError
from tendigits.read.find import Found, find_digit

HEAD = 8
"""Bytes of the length that stands before each message."""


class Finders:
    """A few processes, each asked one batch at a time; one that dies is replaced, and only its picture is lost."""

    def __init__(self, n: int) -> None:
        self._wanted = n
        self._idle: asyncio.Queue[Process] = asyncio.Queue()
        self._all: set[Process] = set()

    async def start(self) -> None:
        """Begin all; each needs a third of a second, in which pictures may come already."""
        for _ in range(self._wanted):
            self._idle.put_nowait(await self._begin())

    async def find(self, images: Sequence[bytes]) -> list[Found | DataError]:
        """What is found in each picture."""
        process = await self._idle.get()
        try:
            found = await _ask(process, images)
        except BaseException as error:  # it died, or whoever asked has gone in the middle of the answer
            self._idle.put_nowait(await self._replace(process))
            if not isinstance(error, OSError | asyncio.IncompleteReadError):
                raise
        else:
            self._idle.put_nowait(process)
            return found
        if len(images) == 1:
            return [DataError("expected a picture, received one that cannot be looked at")]
        return [one for image in images for one in await self.find([image])]

    async def close(self) -> None:
        """End all, and wait for them."""
        for process in self._all:
            process.stdin.close()  # type: ignore[union-attr]
        await asyncio.gather(*(process.wait() for process in self._all))

    async def _begin(self) -> Process:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE)
        self._all.add(process)
        return process

    async def _replace(self, process: Process) -> Process:
        self._all.discard(process)
        if process.returncode is None:
            process.kill()
        await process.wait()
        return await self._begin()


async def _ask(process: Process, images: Sequence[bytes]) -> list[Found | DataError]:
    if process.stdin is None or process.stdout is None:
        raise OSError("a process without pipes")
    question = pickle.dumps(list(images))
    process.stdin.write(len(question).to_bytes(HEAD) + question)
    await process.stdin.drain()
    answer = await process.stdout.readexactly(int.from_bytes(await process.stdout.readexactly(HEAD)))
    found: list[Found | DataError] = pickle.loads(answer)  # noqa: S301  # from our own process
    return found


def find_all(images: Sequence[bytes]) -> list[Found | DataError]:
    """The same in this process."""
    return [_find(image) for image in images]


def _find(image: bytes) -> Found | DataError:
    try:
        return find_digit(image)
    except DataError as error:
        return error


def main() -> None:
    """A process: answer until the pipe ends. Ctrl-C is for the parent."""
    import cv2

    from tendigits.data.image import prepare_for_threads

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare_for_threads()
    cv2.setNumThreads(1)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    while head := sys.stdin.buffer.read(HEAD):
        answer = pickle.dumps(find_all(pickle.loads(sys.stdin.buffer.read(int.from_bytes(head)))))  # noqa: S301
        answers.write(len(answer).to_bytes(HEAD) + answer)
        answers.flush()


if __name__ == "__main__":
    main()
