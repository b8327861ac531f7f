"""Pictures of one digit: which are read in this process, which in others, and that they are read alike."""

import asyncio
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from helpers import png
from tendigits.digits.network import bundled_file
from tendigits.read.reader import Reader
from tendigits.serve.active_model import ActiveReader
from tendigits.serve.reading.batching import BoundedThreads
from tendigits.serve.reading.digits import MAX_PIXELS, DigitReading, is_simple
from tendigits.serve.reading.work import ReaderSource, locate_all, read_digits
from tendigits.teach.verify import bundled_sha256


class Pool:
    """Notes what it is asked for, and takes a while."""

    def __init__(self):
        self.batches = []

    async def locate(self, pictures):
        self.batches.append(("locate", len(pictures)))
        await asyncio.sleep(0.01)
        return locate_all(pictures)

    async def read(self, source, pictures):
        self.batches.append(("read", len(pictures)))
        await asyncio.sleep(0.01)
        return read_digits(source, pictures)


def saved(image, kind="PNG", **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("is_tuned", [False, True])
def test_one_that_is_alone_is_read_here_and_others_in_processes_all_alike(digits, is_tuned):
    pictures = [png(image) for image in digits.x_test[:4]]
    jpeg = saved(Image.open(io.BytesIO(pictures[0])), "JPEG")
    reader, pool, threads = Reader(threads=1), Pool(), BoundedThreads(2, 8)
    source = ReaderSource(bundled_sha256(), data=bundled_file() if is_tuned else None)
    active, work = ActiveReader(reader, source), "locate" if is_tuned else "read"
    reading = DigitReading(threads, pool, concurrency=2)

    async def read():
        alone = [await reading(active, picture) for picture in pictures]
        assert not pool.batches
        assert (await reading(active, jpeg)).numbers[0].value == alone[0].numbers[0].value
        assert pool.batches == [(work, 1)]
        together = await asyncio.gather(*(reading(active, picture) for picture in pictures))
        assert pool.batches == [(work, 1), (work, 2), (work, 2)]
        return alone, together

    alone, together = asyncio.run(asyncio.wait_for(read(), 60))
    threads.close()
    for picture, here, there in zip(pictures, alone, together, strict=True):
        expected = reader.digit(picture)
        for page in (here, there):
            assert page.numbers[0].digit.as_dict() == expected.as_dict()


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_a_small_plain_png_is_simple_whatever_its_colours(mode):
    image = Image.new(mode, (560, 560))
    assert is_simple(saved(image))
    assert is_simple(saved(image, dpi=(96, 96)))


def test_what_may_be_large_or_hide_something_is_not_simple():
    small = Image.fromarray(np.zeros((28, 28), np.uint8))
    plain, about = saved(small), PngInfo()
    about.add_text("comment", "x", zip=True)
    header, rest = plain[:33], plain[33:]
    size = struct.pack(">II", 20_000, 20_000) + header[24:29]
    unlike = {
        "nothing": b"",
        "another format": saved(small, "JPEG"),
        "too many pixels": saved(Image.new("1", (MAX_PIXELS // 8, 9))),
        "a second header": header + chunk(b"IHDR", size) + rest,
        "packed text": saved(small, pnginfo=about),
        "a profile": saved(small, icc_profile=b"x"),
        "an animation": saved(small, save_all=True, append_images=[Image.new("L", (28, 28), 9)]),
        "many chunks": header + chunk(b"gAMA", bytes(4)) * 100 + rest,
        "no end": plain[:-12],
        "cut": plain[:20],
        "a chunk longer than the file": header + b"\xff\xff\xff\xffIDAT",
    }
    assert is_simple(plain)
    assert [name for name, picture in unlike.items() if is_simple(picture)] == []
