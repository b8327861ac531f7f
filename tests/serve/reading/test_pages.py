"""Pages in processes: what one sender's picture does to its process, it does to no other picture."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from tendigits.serve.reading.fair_queue import QueueFull
from tendigits.serve.reading.pages import PER_ADDRESS, NotRead, PagePool, TooLate

A, OTHER_A, B = ("10.0.0.1", 1), ("10.0.0.1", 2), ("10.0.0.2", 1)


def work(seconds, path=None):
    if path is not None:
        Path(path).write_text(str(os.getpid()))
    time.sleep(seconds)
    return os.getpid()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


def fail():
    raise ValueError("no good")


def run(test, timeout=30.0):
    async def with_pool():
        pool = PagePool(1, timeout)
        pool.start()
        try:
            return await test(pool)
        finally:
            await pool.close()

    return asyncio.run(asyncio.wait_for(with_pool(), 60))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("job", "error"), [(die, NotRead), (stop, TooLate)])
def test_the_picture_of_a_process_that_is_killed_or_stopped_is_not_read_and_the_next_one_is(job, error):
    async def test(pool):
        await pool.run(A, os.getpid)
        with pytest.raises(error):
            await pool.run(A, job)
        assert await pool.run(A, os.getpid) > 0
        with pytest.raises(ValueError, match="no good"):
            await pool.run(A, fail)
        assert pool.load == 0

    run(test, timeout=4.0)


def test_the_time_of_a_picture_begins_when_it_arrives(tmp_path):
    """One that waits too long never runs."""

    async def test(pool):
        await pool.run(A, os.getpid)
        pool.timeout = 0.5  # its process need not be started meanwhile
        jobs = (pool.run(A, work, 60), pool.run(A, work, 0, str(tmp_path / "ran")))
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [str(each) for each in results] == ["the picture was not read within 0.5 seconds"] * 2
        assert [type(each) for each in results] == [TooLate, TooLate]
        assert not (tmp_path / "ran").exists()

    run(test)


def test_slow_pictures_of_one_sender_hold_up_neither_another_nor_another_connection():
    async def test(pool):
        await pool.run(B, os.getpid)
        order = []

        async def ask(name, sender, seconds):
            await pool.run(sender, work, seconds)
            order.append(name)

        slow = [asyncio.ensure_future(ask(f"slow {n}", A, 0.3)) for n in range(5)]
        await asyncio.sleep(0.05)
        await asyncio.gather(ask("other", B, 0), ask("same address", OTHER_A, 0))
        assert order == ["slow 0", "other", "same address"]
        await asyncio.gather(*slow)
        assert order[3:] == [f"slow {n}" for n in range(1, 5)]

    run(test)


def test_one_address_fills_only_its_own_places():
    async def test(pool):
        waiting = [asyncio.ensure_future(pool.run(A, work, 0.01)) for _ in range(PER_ADDRESS + 1)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await pool.run(OTHER_A, os.getpid)
        assert await pool.run(B, os.getpid) > 0
        await asyncio.gather(*waiting)

    run(test)


@pytest.mark.parametrize(("seconds", "is_ended"), [(60, True), (0.3, False)])
def test_a_caller_who_leaves_frees_the_process(tmp_path, seconds, is_ended):
    """Which is ended only where its picture would take long: a new one costs about a second."""
    path = tmp_path / "pid"

    async def test(pool):
        leaving = asyncio.ensure_future(pool.run(A, work, seconds, str(path)))
        await until(lambda: path.exists() and path.read_text())
        leaving.cancel()
        assert (await pool.run(B, os.getpid) != int(path.read_text())) == is_ended
        assert pool.load == 0

    run(test)


def test_when_the_server_ends_what_runs_or_waits_is_told_so():
    async def test(pool):
        await pool.run(A, os.getpid)
        asked = [asyncio.ensure_future(pool.run(A, work, 60)) for _ in range(3)]
        await asyncio.sleep(0.2)
        pool.stop()
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(each) for each in results] == ["the server ends"] * 3
        with pytest.raises(NotRead):
            await pool.run(A, os.getpid)

    run(test)
