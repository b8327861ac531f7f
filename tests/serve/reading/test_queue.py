"""Pictures in worker processes have a deadline, waiting included; other failures are in test_attacks.py."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from tendigits.serve.reading.queue import NotRead, ReadingQueue
from tendigits.serve.reading.work import ReaderSource
from tendigits.teach.verify import bundled_sha256


def work(seconds, path):
    Path(path).touch()
    time.sleep(seconds)


def test_a_picture_that_waits_longer_than_its_deadline_is_never_read_and_the_next_one_is(tmp_path):
    async def test():
        queue = ReadingQueue(1, 30.0, ReaderSource(bundled_sha256()))
        await queue.run("", os.getpid)
        queue.timeout = 0.5
        jobs = (queue.run("", work, 60, tmp_path / "first"), queue.run("", work, 0, tmp_path / "second"))
        for result in await asyncio.gather(*jobs, return_exceptions=True):
            with pytest.raises(NotRead, match="503: the picture was not read within"):
                raise result
        assert not (tmp_path / "second").exists()
        queue.timeout = 30.0
        await queue.run("", work, 0, tmp_path / "second")
        assert queue.load == 0
        await queue.close()

    asyncio.run(asyncio.wait_for(test(), 60))
