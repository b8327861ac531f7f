"""Small pictures of one digit: alone and in batches they are read alike."""

import asyncio
import io
import struct

import pytest
from anyio import CapacityLimiter
from PIL import Image

from drawing import png
from samples import changed
from tendigits.digits.network import from_onnx
from tendigits.errors import DataError
from tendigits.read.reader import Reader
from tendigits.serve.active_model import ActiveReader
from tendigits.serve.reading.digits import DigitReader, is_small_png
from tendigits.serve.reading.queue import ReadingQueue
from tendigits.serve.reading.work import ReaderSource
from tendigits.teach.verify import bundled_sha256


def saved(image, kind="PNG", **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def test_alone_and_together_and_while_the_network_changes_each_picture_is_read_as_by_the_library(digits):
    pictures = [png(image) for image in digits.x_test[:20]]
    tuned = changed(1.01)
    package = ActiveReader(Reader(threads=1), ReaderSource(bundled_sha256()))
    other = ActiveReader(Reader(from_onnx(tuned, "tuned", threads=1), threads=1), ReaderSource("tuned", data=tuned))

    async def read():
        queue = ReadingQueue(2, 30.0, package.source)
        read_digit = DigitReader(queue, CapacityLimiter(2))
        try:
            alone = [await read_digit(active, picture) for active in (package, other) for picture in pictures]
            both = [read_digit(active, picture) for active in (package, other) for picture in pictures]
            *together, damaged = await asyncio.gather(
                *both, read_digit(package, pictures[0][:60]), return_exceptions=True
            )
            return alone, together, damaged
        finally:
            await queue.close()

    alone, together, damaged = asyncio.run(asyncio.wait_for(read(), 60))
    assert isinstance(damaged, DataError)
    expected = [digit.as_dict() for active in (package, other) for digit in active.reader.digits(pictures)]
    for pages in (alone, together):
        found = [page.numbers[0].digit.as_dict() for page in pages]
        for one, same in zip(found, expected, strict=True):
            assert (one["label"], one["box"], one["accepted"]) == (same["label"], same["box"], same["accepted"])
            assert one["probabilities"] == pytest.approx(same["probabilities"], abs=1e-5)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_a_drawing_is_small(mode):
    assert is_small_png(saved(Image.new(mode, (560, 560))))


def test_what_may_take_long_to_decode_is_not_small():
    plain = saved(Image.new("L", (28, 28)))
    second_header = plain[:33] + plain[8:16] + struct.pack(">II", 20_000, 20_000) + plain[24:]
    assert is_small_png(plain)
    for picture in (b"", saved(Image.new("L", (28, 28)), "JPEG"), saved(Image.new("1", (4096, 200))), second_header):
        assert not is_small_png(picture)
    assert not is_small_png(plain + bytes(2**18))
