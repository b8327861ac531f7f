"""The layout of a TIFF: what honest programs write is read, what no picture needs is refused."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hostile_files import encoded, grey, strips, tiff, tiles
from tendigits.errors import DataError
from tendigits.pictures.image import open_image
from tendigits.pictures.tiff import count_pages

PAGE = np.arange(60 * 90, dtype=np.uint8).reshape(60, 90)


def test_tiles_that_are_larger_than_a_small_picture_and_more_than_one_are_read():
    corner = np.zeros((256, 256), np.uint8)
    corner[:60, :90] = PAGE
    data = tiff(grey(90, 60) | tiles(256, 256, corner.size), corner.tobytes())
    np.testing.assert_array_equal(open_image(data).grey, PAGE)
    four = tiff(grey(90, 60, 8) | tiles(48, 32, 48 * 32, n=4), bytes(48 * 32))
    with pytest.raises(DataError, match="whole PNG"):  # these bytes are no deflated ones, but the layout is right
        open_image(four)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4", "lzma"])
@pytest.mark.parametrize("big", [False, True], ids=["classic", "BigTIFF"])
def test_what_pillow_writes_is_read(compression, big):
    image = Image.fromarray(PAGE > 99) if compression == "group4" else Image.fromarray(PAGE).convert("RGB")
    data = encoded(image, "TIFF", compression=compression, big_tiff=big, save_all=True, append_images=[image] * 4)
    assert open_image(data, page=5).grey.shape == PAGE.shape
    assert count_pages(io.BytesIO(data), 1000, "a.tif") == 5


@given(st.binary(max_size=60), st.integers(0, 300), st.booleans())
def test_pages_of_any_bytes_are_counted_as_pillow_counts_them_or_refused(more, at, big):
    image = Image.fromarray(PAGE[:4, :4])
    data = encoded(image, "TIFF", big_tiff=big, save_all=True, append_images=[image])
    data = data[:at] + more + data[at + len(more) :]
    try:
        n = count_pages(io.BytesIO(data), 1000, "a.tif")
    except DataError:
        return
    try:
        with Image.open(io.BytesIO(data), formats=["TIFF"]) as opened:
            assert opened.n_frames == n
    except AssertionError:
        raise
    except Exception:
        return  # Pillow can't open it


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32 - 1), st.integers(0, 400), st.integers(0, 1200))
def test_any_layout_gives_a_picture_or_a_data_error(width, height, rows, n, side):
    for layout in (strips(rows, 100, n), tiles(16 * side, max(side, 1) * 16, 100, n)):
        try:
            found = open_image(tiff(grey(width, height) | layout, bytes(100))).grey
        except DataError as error:
            assert "\n" not in str(error)
        else:
            assert found.shape == (height, width)


def test_a_directory_that_names_itself_is_one_page():
    data = bytearray(tiff(grey(4, 4) | strips(4, 16), bytes(16)))
    (at,) = struct.unpack_from("<I", data, 4)
    struct.pack_into("<I", data, len(data) - 4, at)
    assert count_pages(io.BytesIO(bytes(data)), 1000, "a.tif") == 1
    assert open_image(bytes(data)).grey.shape == (4, 4)
