"""Pictures of one digit in processes: as in this one, whatever becomes of a process."""

import asyncio
import os
import signal

import numpy as np

from helpers import png
from tendigits.digits.find import find_digit
from tendigits.errors import DataError
from tendigits.read.reader import Reader
from tendigits.serve.reading import work
from tendigits.serve.reading.digit_pool import DigitPool
from tendigits.serve.reading.pages import NotRead
from tendigits.serve.reading.work import ReaderSource, locate_all
from tendigits.teach.verify import bundled_sha256


def locate_or_die(images):
    """A decoder that an attacker crashes."""
    if b"deadly" in images:
        os.kill(os.getpid(), signal.SIGKILL)
    return locate_all(images)


def test_digits_are_located_as_in_this_process_and_a_deadly_picture_is_only_its_own_error(digits, monkeypatch):
    monkeypatch.setattr(work, "locate_all", locate_or_die)
    images = [png(crop) for crop in digits.x_test[:6]] + [b"no picture", b"deadly"]

    async def locate():
        pool = DigitPool(2)
        pool.start()
        try:
            cancelled = asyncio.ensure_future(pool.locate(images[:6] * 5))
            await asyncio.sleep(0.01)
            cancelled.cancel()
            batches = await asyncio.gather(*(pool.locate(images[i::3]) for i in range(3)))
            return batches, await pool.locate(images[:1])
        finally:
            await pool.close()

    batches, (after,) = asyncio.run(asyncio.wait_for(locate(), 60))
    for i, found in enumerate(batches):
        for one, image in zip(found, images[i::3], strict=True):
            if image in (b"no picture", b"deadly"):
                assert isinstance(one, DataError if image == b"no picture" else NotRead)
                continue
            expected = find_digit(image)
            np.testing.assert_array_equal(one.crop, expected.crop)
            assert (one.box, one.size) == (expected.box, expected.size)
    assert "has ended" in str(batches[1][-1])
    assert after.crop.any()


def test_a_process_reads_as_this_one_does_also_with_a_reader_that_it_had_not_opened(digits):
    images = [png(crop) for crop in digits.x_test[:6]] + [b"no picture"]
    source = ReaderSource(bundled_sha256())

    async def read(prepared):
        pool = DigitPool(1, prepared)
        try:
            return await pool.read(source, images)
        finally:
            await pool.close()

    for prepared in (source, None):
        pages = asyncio.run(asyncio.wait_for(read(prepared), 60))
        assert isinstance(pages.pop(), DataError)
        expected = Reader(threads=1).digits(images[:-1])
        assert [page.numbers[0].digit.as_dict() for page in pages] == [digit.as_dict() for digit in expected]
