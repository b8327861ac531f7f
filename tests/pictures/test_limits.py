"""What a picture claims to be is checked before it is decoded: bytes, pixels, tiles."""

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from bombs import tiff_of, tile_bomb
from helpers import peak_while_refusing
from tendigits.errors import DataError
from tendigits.pictures.image import open_image
from tendigits.pictures.limits import MAX_BYTES


def encoded(image, kind):
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


def huge_png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(30000, 30000), (16385, 1), (7100, 7100), (2**31 - 1, 1)])
def test_a_png_that_claims_too_many_pixels_is_refused_without_memory(size):
    peak, message = peak_while_refusing(lambda: open_image(huge_png(*size)))
    assert peak < 5_000_000
    assert "16384 pixels a side" in message
    assert message.endswith("make it smaller")


def test_a_heic_that_claims_too_many_pixels_is_refused_without_memory():
    pillow_heif.register_heif_opener()
    data = encoded(Image.new("RGB", (64, 64), "white"), "HEIF")
    at = data.index(b"ispe") + 8
    data = data[:at] + struct.pack(">II", 9_000, 9_000) + data[at + 8 :]
    peak, message = peak_while_refusing(lambda: open_image(data))
    assert peak < 5_000_000
    assert message.endswith("make it smaller")


def test_a_file_with_too_many_bytes_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse
    peak, message = peak_while_refusing(lambda: open_image(tmp_path / "a.png"))
    assert peak < 5_000_000
    assert "at most 40 MB" in message
    assert "a.png has 40,000,001 bytes" in message


def test_a_tiff_with_a_huge_tile_is_refused_however_it_is_opened():
    bomb = tile_bomb()
    for source in (bomb, Image.open(io.BytesIO(bomb))):
        with pytest.raises(DataError, match="has tiles of 46000x46000; save it again"):
            open_image(source)


def test_a_tile_may_be_larger_than_a_small_picture():
    page = np.arange(60 * 90, dtype=np.uint8).reshape(60, 90)
    tile = np.zeros((256, 256), np.uint8)
    tile[:60, :90] = page
    data = tiff_of({256: 90, 257: 60, 322: 256, 323: 256, 324: 8, 325: tile.size}, tile.tobytes())
    np.testing.assert_array_equal(open_image(data).grey, page)
