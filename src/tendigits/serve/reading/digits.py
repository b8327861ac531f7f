"""Pictures of one digit each: those that arrive together in batches, in processes; one that is alone, here.

digits = DigitReading(threads, DigitPool(2), concurrency=2)
page = await digits(active, picture)        # raises DataError, QueueFull, NotRead
"""

import struct
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from tendigits.batch.batch import read_located
from tendigits.digits.find import Found
from tendigits.read.page import Page
from tendigits.serve.active_model import ActiveReader
from tendigits.serve.reading.batching import Batcher, BoundedThreads
from tendigits.serve.reading.digit_pool import DigitPool
from tendigits.serve.reading.work import locate_all

Item = tuple[ActiveReader, bytes]
"""A picture and the reader that was active when it arrived."""

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
"""How each PNG begins."""

MAX_PIXELS, MAX_CHUNKS = 2**19, 64
"""Of a PNG that may be read in this process, in some milliseconds; what is drawn on the page has 313,600 pixels."""

PIXELS = frozenset([b"PLTE", b"IDAT", b"sRGB", b"gAMA", b"cHRM", b"sBIT", b"bKGD", b"pHYs"])
"""Chunks of a PNG that hold its pixels, or a few bytes about them; others may be packed, or hold another format."""


class DigitReading:
    """Reads pictures of one digit.

    The way to another process and back takes as long as reading half a digit. So a picture that arrives while no other
    is read is read in a thread, if it is simple enough to be safe and quick there. Other processes have the package's
    networks; a fine-tuned one, or the user's own, classifies in a thread what they have found.
    """

    def __init__(self, threads: BoundedThreads, pool: DigitPool | None, concurrency: int) -> None:
        """Without a pool, threads do all."""
        self._threads, self._pool = threads, pool
        self._batcher: Batcher[Item, Page] = Batcher(self._read, concurrency=concurrency)

    async def __call__(self, active: ActiveReader, picture: bytes) -> Page:
        """Read a picture. Raises DataError, QueueFull, NotRead."""
        return await self._batcher((active, picture))

    async def _read(self, batch: Sequence[Item]) -> list[Page | Exception]:
        """Locate the digits, and run the network once."""
        readers, pictures = [reader for reader, _ in batch], [picture for _, picture in batch]
        is_alone = len(batch) == self._batcher.running == 1
        if self._pool is None or (is_alone and is_simple(pictures[0])):
            return await self._threads.run(_locate_and_classify, readers, pictures)
        sources = {reader.source for reader in readers}
        if len(sources) == 1 and (source := sources.pop()).is_package:
            return await self._pool.read(source, pictures)
        return await self._threads.run(_classify, readers, await self._pool.locate(pictures))


def is_simple(picture: bytes) -> bool:
    """Whether a picture is a small PNG with nothing in it but pixels."""
    n_pixels = int.from_bytes(picture[16:20]) * int.from_bytes(picture[20:24])
    if not picture.startswith(PNG) or n_pixels > MAX_PIXELS:
        return False
    at = len(PNG) + 17
    try:
        for _ in range(MAX_CHUNKS):
            length, kind = struct.unpack_from(">I4s", picture, at)
            if kind == b"IEND":
                return True
            if kind not in PIXELS:
                return False
            at += 12 + length
    except struct.error:  # it ends too early
        return False
    return False


def _locate_and_classify(readers: Sequence[ActiveReader], pictures: Sequence[bytes]) -> list[Page | Exception]:
    return _classify(readers, locate_all(pictures))


def _classify(readers: Sequence[ActiveReader], found: Sequence[Found | Exception]) -> list[Page | Exception]:
    """Classify a batch; it holds two readers if the active network changes meanwhile."""
    pages: list[Page | Exception] = []
    for active, group in groupby(zip(readers, found, strict=True), key=itemgetter(0)):
        pages += read_located(active.reader, [one for _, one in group])
    return pages
