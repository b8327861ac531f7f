"""Pictures in worker processes have a deadline; small ones of one digit are read alike, alone and in batches."""

import asyncio
import os
import struct
import time
from pathlib import Path

import pytest
from PIL import Image

from drawing import file_of, png
from samples import changed
from tendigits.digits.network import from_onnx
from tendigits.read.reader import Reader
from tendigits.serve.reading import FairTurns, NotRead, ReadingQueue, is_small_png
from tendigits.serve.work import ReaderSource, ReadingNetwork
from tendigits.teach.verify import bundled_sha256


def test_alone_and_together_and_while_the_network_changes_each_picture_is_read_as_by_the_library(digits):
    pictures = [png(image) for image in digits.x_test[:20]]
    tuned = changed(1.01)
    package = ReadingNetwork(Reader(threads=1), ReaderSource(bundled_sha256()))
    other = ReadingNetwork(Reader(from_onnx(tuned, "tuned", threads=1), threads=1), ReaderSource("tuned", data=tuned))

    async def read():
        queue = ReadingQueue(2, 30.0, package.source)
        asked = [(network, picture, False) for network in (package, other) for picture in pictures]
        try:
            alone = [await queue.read_digit(*each) for each in asked]
            *together, damaged = await asyncio.gather(
                *(queue.read_digit(*each) for each in asked), queue.read_digit(package, pictures[0][:60], False)
            )
            return alone, together, damaged
        finally:
            await queue.close()

    alone, together, damaged = asyncio.run(asyncio.wait_for(read(), 60))
    assert damaged.error.startswith("expected a whole PNG")
    expected = [digit.as_dict() for active in (package, other) for digit in active.reader.digits(pictures)]
    for pages in (alone, together):
        found = [page.numbers[0].digit.model_dump(mode="json") for page in pages]
        for one, same in zip(found, expected, strict=True):
            assert (one["label"], one["box"], one["accepted"]) == (same["label"], same["box"], same["accepted"])
            assert one["probabilities"] == pytest.approx(same["probabilities"], abs=1e-5)


def test_a_drawing_is_small_and_what_may_take_long_to_decode_is_not():
    for mode in ("L", "RGBA", "P", "1"):
        assert is_small_png(file_of(Image.new(mode, (560, 560))))
    plain = file_of(Image.new("L", (28, 28)))
    second_header = plain[:33] + plain[8:16] + struct.pack(">II", 20_000, 20_000) + plain[24:]
    assert is_small_png(plain)
    jpeg, wide = file_of(Image.new("L", (28, 28)), "JPEG"), file_of(Image.new("1", (4096, 200)))
    for picture in (b"", jpeg, wide, second_header):
        assert not is_small_png(picture)
    assert not is_small_png(plain + bytes(2**18))


def test_addresses_take_turns_and_who_leaves_or_is_late_has_none():
    async def test():
        turns, order = FairTurns(1), []

        async def take(address, timeout=30.0):
            async with turns.turn(address, timeout):
                order.append(address)
                await asyncio.sleep(0.05)

        tasks = [asyncio.create_task(take(address)) for address in "aaaabbc"]
        late = asyncio.create_task(take("late", 0.01))
        await asyncio.sleep(0)
        tasks[1].cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError)
        with pytest.raises(NotRead, match="too many requests"):
            await late
        assert order == [*"aabcab"]

    asyncio.run(asyncio.wait_for(test(), 60))


def test_a_full_queue_has_a_place_for_an_address_that_does_not_wait():
    async def test():
        queue = ReadingQueue(1, 30.0, ReaderSource(bundled_sha256()))
        crowd = [asyncio.create_task(queue.run(str(i % 8), time.sleep, 0.01)) for i in range(8 * 9)]
        await asyncio.sleep(0)
        with pytest.raises(NotRead, match="too many requests"):
            await queue.run("1", time.sleep, 0)
        await queue.run("good", time.sleep, 0)
        assert not all(task.done() for task in crowd)  # its turn came before the crowd's last
        await asyncio.gather(*crowd, return_exceptions=True)
        await queue.close()

    asyncio.run(asyncio.wait_for(test(), 60))


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
            with pytest.raises(NotRead, match="503: this was not done within"):
                raise result
        assert not (tmp_path / "second").exists()
        queue.timeout = 30.0
        await queue.run("", work, 0, tmp_path / "second")
        assert queue.load == 0
        await queue.close()

    asyncio.run(asyncio.wait_for(test(), 60))
