import io
import os
import struct
import tempfile
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from tendigits.data import image as module
from tendigits.data.digit_image import read_digit, read_image
from tendigits.data.preprocess import to_mnist
from tendigits.errors import DataError

ANGLE = np.zeros((60, 60), np.uint8)
ANGLE[10:50, 10:18] = 255
ANGLE[42:50, 10:40] = 255
"""An L in white on black: not the same when turned or mirrored."""

L = to_mnist(ANGLE)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "digit.png"


def paper(ink=ANGLE):
    """The L in black on white."""
    return 255 - ink


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png(width, height):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def encoded(array, format_="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format_, **options)
    return buffer.getvalue()


def refused(path, data):
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_28x28_picture_keeps_its_pixels(path, digits):
    for pixels in digits.x_test[:20]:
        Image.fromarray(pixels).save(path)
        digit = read_digit(path)
        np.testing.assert_array_equal(digit.pixels, pixels)
        assert (digit.pixels.dtype, digit.inverted) == (np.uint8, False)


def test_dark_ink_on_light_ground_is_inverted(path, digits):
    Image.fromarray(255 - digits.x_test[0]).save(path)
    digit = read_digit(path)
    np.testing.assert_array_equal(digit.pixels, digits.x_test[0])
    assert digit.inverted


@pytest.mark.parametrize("ground", [ANGLE, paper()])
def test_another_size_is_normalised(path, ground):
    Image.fromarray(ground).save(path)
    np.testing.assert_array_equal(read_image(path), L)


def test_grey_paper_becomes_black_and_pale_ink_white(path):
    Image.fromarray(np.where(ANGLE > 0, 90, 190).astype(np.uint8)).save(path)
    np.testing.assert_array_equal(read_image(path), L)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_picture_is_all_zeros(path, shade):
    grain = np.random.default_rng(0).integers(-9, 10, (50, 40))
    Image.fromarray((shade + grain).clip(0, 255).astype(np.uint8)).save(path)
    assert not read_image(path).any()


def modes():
    grey = Image.fromarray(paper())
    yield "1-bit", grey.convert("1"), {}
    yield "L", grey, {}
    yield "RGB", grey.convert("RGB"), {}
    yield "RGBA opaque", grey.convert("RGBA"), {}
    yield "palette", grey.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE), {}
    yield "16-bit", Image.fromarray(paper().astype(np.uint16) * 257), {}
    clear = np.zeros((60, 60), np.uint8)
    yield "RGBA, black ink on a transparent canvas", Image.fromarray(np.dstack([clear, clear, clear, ANGLE])), {}
    yield "LA, black ink on a transparent canvas", Image.fromarray(np.dstack([clear, ANGLE]), "LA"), {}
    white = np.full((60, 60), 255, np.uint8)
    yield "RGBA, white ink on a transparent canvas", Image.fromarray(np.dstack([white, white, white, ANGLE])), {}
    index = Image.fromarray((ANGLE > 0).astype(np.uint8), "P")
    index.putpalette([0, 0, 0, 0, 0, 0])  # two blacks, told apart by transparency only
    yield "palette with a transparent entry", index, {"transparency": 0}
    yield "palette with transparency for each entry", index, {"transparency": b"\x00\xff"}
    yield "L with a transparent grey", Image.fromarray(np.where(ANGLE > 0, 0, 9).astype(np.uint8)), {"transparency": 9}
    yield "1-bit with a transparent black", Image.fromarray(ANGLE).convert("1"), {"transparency": 0}
    wide = Image.fromarray(np.where(ANGLE > 0, 0, 500).astype(np.uint16))
    yield "16-bit with a transparent grey", wide, {"transparency": 500}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", [name for name, _, _ in modes()])
def test_every_mode_that_png_has(path, name):
    image, options = next((image, options) for other, image, options in modes() if other == name)
    image.save(path, **options)
    np.testing.assert_array_equal(read_image(path), L)


def test_16_bit_is_scaled_and_not_clipped(path):
    pixels = np.zeros((28, 28), np.uint16)
    pixels[10, 10:14] = [155 * 257, 65535, 257, 300]
    Image.fromarray(pixels).save(path)
    assert read_image(path)[10, 10:14].tolist() == [155, 255, 1, 1]


def test_half_transparent_ink_is_half_grey(path):
    rgba = np.zeros((28, 28, 4), np.uint8)
    rgba[10, 10, 3], rgba[20, 20, 3] = 128, 255
    Image.fromarray(rgba).save(path)
    pixels = read_image(path)
    assert abs(int(pixels[10, 10]) - 128) <= 1
    assert (pixels[20, 20], np.count_nonzero(pixels)) == (255, 2)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_mode_that_jpeg_has(tmp_path, mode):
    path = tmp_path / "digit.JPG"
    Image.fromarray(paper()).convert("RGB").convert(mode).save(path, "JPEG", quality=95, subsampling=0)
    digit = read_digit(path)
    assert digit.inverted
    assert np.abs(digit.pixels.astype(int) - L).mean() < 3


def test_exif_rotation_is_undone(tmp_path):
    path = tmp_path / "digit.jpg"
    exif = Image.Exif()
    for orientation, stored in {
        3: np.rot90(ANGLE, 2),
        6: np.rot90(ANGLE, 1),
        8: np.rot90(ANGLE, 3),
        2: ANGLE[:, ::-1],
    }.items():
        exif[0x0112] = orientation
        Image.fromarray(np.ascontiguousarray(stored)).save(path, "JPEG", quality=95, exif=exif)
        assert np.abs(read_image(path).astype(int) - L).mean() < 3, orientation


@pytest.mark.parametrize(
    ("name", "format_"),
    [("a.png", "PNG"), ("a.jpg", "MPO"), ("a.gif", "GIF"), ("a.tif", "TIFF"), ("a.webp", "WEBP")],
)
def test_only_the_first_frame_of_many(tmp_path, name, format_):
    path = tmp_path / name
    other = Image.fromarray(np.ascontiguousarray(ANGLE.T))
    Image.fromarray(ANGLE).save(path, format_, save_all=True, append_images=[other], quality=95)
    with Image.open(path) as image:
        assert (image.format, image.n_frames) == (format_, 2)
    assert np.abs(read_image(path).astype(int) - L).mean() < 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"seven, 7\n" * 100,
        b'<svg xmlns="http://www.w3.org/2000/svg"><text>7</text></svg>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        encoded(ANGLE, "ICO"),
        encoded(ANGLE, "PPM"),
        encoded(ANGLE, "PDF"),
        encoded(ANGLE, "AVIF"),
    ],
    ids=["0 bytes", "a line end", "text", "SVG", "EPS", "PNG magic", "JPEG magic", "ICO", "PPM", "PDF", "AVIF"],
)
def test_what_is_no_picture_is_refused(path, data):
    assert "expected a whole PNG, JPEG, WebP, TIFF, BMP or GIF" in refused(path, data)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_every_format(path, format_):
    path.write_bytes(encoded(paper(), format_))
    assert np.abs(read_image(path).astype(int) - L).mean() < 3


@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_cut_picture_is_refused(path, format_, share):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    data = encoded(noise, format_)
    refused(path, data[: int(len(data) * share)])


def test_a_png_with_a_wrong_checksum_is_refused(path):
    data = bytearray(encoded(ANGLE))
    data[data.index(b"IHDR") + 14 + 4] ^= 1
    refused(path, bytes(data))


def test_a_png_whose_pixels_are_damaged_is_refused(path):
    data = bytearray(encoded(ANGLE))
    at = data.index(b"IDAT") + 6
    data[at : at + 8] = b"\xff" * 8
    refused(path, bytes(data))


@pytest.mark.parametrize("size", [(12000, 12000), (30000, 30000), (16385, 1), (1, 16385), (4097, 4097), (2**31 - 1, 1)])
def test_a_huge_header_is_refused_at_once(path, size):
    tracemalloc.start()
    start = time.monotonic()
    message = refused(path, huge_png(*size))
    assert time.monotonic() - start < 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    assert "16384 pixels a side" in message or "DecompressionBomb" in message


def test_a_huge_file_is_refused_before_pillow_sees_it(path, monkeypatch):
    monkeypatch.setattr(module, "_decode", None)
    with path.open("wb") as file:
        file.truncate(module.MAX_BYTES + 1)
    with pytest.raises(DataError, match=r"at most 40 MB, .*digit\.png has 40,000,001 bytes"):
        read_image(path)


def test_a_text_bomb_in_a_png_is_refused(path):
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "0" * (80 << 20), zip=True)
    Image.fromarray(ANGLE).save(path, pnginfo=info)
    refused(path, path.read_bytes())


def test_a_warning_of_pillow_is_an_error(path, monkeypatch):
    # 81 megapixels pass Pillow itself with a warning only; here its limit is set to the picture's size less one.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60 * 60 - 1)
    assert "DecompressionBombWarning" in refused(path, encoded(ANGLE))


def test_no_file_a_folder_and_a_pipe_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "none.png", tmp_path, tmp_path / "pipe.png"):
        with pytest.raises(DataError, match="found none"):
            read_image(path)


STARTS = [b"", huge_png(28, 28)[:33], encoded(ANGLE), encoded(ANGLE, "JPEG"), b"\xff\xd8\xff\xe0"]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(STARTS), st.integers(0, 4000), st.binary(max_size=300), st.booleans())
def test_any_bytes_give_an_image_or_a_data_error(start, at, more, replace):
    data = start[:at] + more + (start[at + len(more) :] if replace else b"")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(data)
        try:
            pixels = read_image(path)
        except DataError:
            return
        assert (pixels.shape, pixels.dtype) == ((28, 28), np.uint8)
