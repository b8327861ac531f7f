"""Pictures in worker processes: what one picture does to its process does not concern any other picture."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from tendigits.serve.reading.queue import NotRead, ReadingQueue
from tendigits.serve.reading.work import ReaderSource
from tendigits.teach.verify import bundled_sha256

A = "10.0.0.1"


def work(seconds, path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(seconds)


def signal_self(number):
    os.kill(os.getpid(), number)


def fail():
    raise ValueError("no good")


def run(test, timeout=30.0):
    async def with_queue():
        queue = ReadingQueue(1, timeout, ReaderSource(bundled_sha256()))
        queue.start()
        try:
            await test(queue)
            assert queue.load == 0
        finally:
            await queue.close()

    asyncio.run(asyncio.wait_for(with_queue(), 60))


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "the process that read the picture has ended"), (signal.SIGSTOP, "not read within 4 seconds")],
)
def test_after_a_killed_or_stopped_process_the_next_picture_is_read(number, reason):
    async def test(queue):
        await queue.run(A, os.getpid)
        with pytest.raises(NotRead, match=reason):
            await queue.run(A, signal_self, number)
        assert await queue.run(A, os.getpid) > 0
        with pytest.raises(ValueError, match="no good"):
            await queue.run(A, fail)

    run(test, timeout=4.0)


def test_a_picture_that_waits_longer_than_its_deadline_is_never_read(tmp_path):
    async def test(queue):
        await queue.run(A, os.getpid)
        queue.timeout = 0.5
        jobs = (queue.run(A, work, 60, tmp_path / "first"), queue.run(A, work, 0, tmp_path / "second"))
        results = await asyncio.gather(*jobs, return_exceptions=True)
        late = "503: the picture was not read within 0.5 seconds; try again in a few seconds"
        assert [str(each) for each in results] == [late, late]
        assert not (tmp_path / "second").exists()

    run(test)
