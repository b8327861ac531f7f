"""Processes that find digits in pictures: the same as here, whatever becomes of one of them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from helpers import png
from tendigits.errors import DataError
from tendigits.read.find import find_digit
from tendigits.serve import finding
from tendigits.serve.finding import Finders, find_all

pytestmark = pytest.mark.alone


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


async def with_finders(n, work):
    finders = Finders(n)
    await finders.start()
    try:
        return await work(finders)
    finally:
        await finders.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_they_find_what_this_process_finds(digits):
    images = [png(crop) for crop in digits.x_test[:20]] + [b"no picture", png(np.zeros((28, 28), np.uint8))]

    async def ask(finders):
        return await asyncio.gather(*(finders.find(images[i::4]) for i in range(4)))

    answers = run(with_finders(2, ask))
    for i, found in enumerate(answers):
        for one, image in zip(found, images[i::4], strict=True):
            if image == b"no picture":
                assert isinstance(one, DataError)
                continue
            expected = find_digit(image)
            np.testing.assert_array_equal(one.crop, expected.crop)
            assert (one.box, one.size) == (expected.box, expected.size)


def test_one_that_is_killed_is_replaced_and_nothing_is_lost(digits):
    image = png(digits.x_test[0])

    async def ask(finders):
        await finders.find([image])
        for process in list(finders._all):
            os.kill(process.pid, signal.SIGKILL)
        found = await asyncio.gather(*(finders.find([image, image]) for _ in range(3)))
        return found, len(finders._all)

    answers, n = run(with_finders(2, ask))
    assert n == 2
    assert [one.crop.any() for found in answers for one in found] == [True] * 6


def test_a_picture_that_kills_is_only_its_own_error(digits, monkeypatch):
    """The process dies of it each time; a decoder that is attacked may do so."""
    image, ask = png(digits.x_test[0]), finding._ask

    async def ask_and_die(process, images):
        if b"deadly" in images:
            process.kill()
        return await ask(process, images)

    monkeypatch.setattr(finding, "_ask", ask_and_die)

    async def work(finders):
        return await finders.find([image, b"deadly", image])

    first, bad, last = run(with_finders(1, work))
    assert first.crop.any()
    assert last.crop.any()
    assert isinstance(bad, DataError)
    assert "cannot be looked at" in str(bad)


def test_an_answer_that_nobody_waits_for_is_not_the_next_ones(digits):
    images = [png(crop) for crop in digits.x_test[:2]]

    async def work(finders):
        asked = asyncio.ensure_future(finders.find([images[0]] * 50))
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        return await finders.find([images[1]])

    (found,) = run(with_finders(1, work))
    np.testing.assert_array_equal(found.crop, find_digit(images[1]).crop)


PARENT = """
import asyncio, sys, time
from tendigits.serve.finding import Finders

async def go():
    finders = Finders(2)
    await finders.start()
    print(*[process.pid for process in finders._all], flush=True)
    await asyncio.sleep(60)

asyncio.run(go())
"""


def test_they_end_with_their_parent_however_it_ends():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    assert all(map(is_running, pids))
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, pids))


def test_what_a_library_prints_is_no_answer():
    """Answers go to a copy of standard output; what is printed goes to standard error."""
    code = (
        "import tendigits.serve.finding as finding\n"
        "def noisy(images):\n    print('a library speaks')\n    return images\n"
        "finding.find_all = noisy\nfinding.main()"
    )
    question = finding.pickle.dumps([b"a"])
    ended = subprocess.run(
        [sys.executable, "-c", code], input=len(question).to_bytes(8) + question, capture_output=True, timeout=30
    )
    assert finding.pickle.loads(ended.stdout[8:]) == [b"a"]
    assert b"a library speaks" in ended.stderr


def test_nothing_is_found_in_nothing():
    assert find_all([]) == []
