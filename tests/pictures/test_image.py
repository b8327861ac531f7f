"""Any picture becomes the same grey pixels; damaged and hostile ones become a DataError."""

import io
import os
import struct
import subprocess
import sys

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from bombs import png_of, tiff_of, tile_bomb
from drawing import file_of
from samples import peak_while_refusing
from tendigits.errors import DataError
from tendigits.pictures.image import open_image
from tendigits.pictures.limits import MAX_BYTES, MAX_PIXELS

GREY = np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype=np.uint8)

PAPER = np.full((60, 60), 255, np.uint8)
PAPER[10:50, 10:18] = PAPER[42:50, 10:40] = 0
"""An L in black on white: another picture when turned or mirrored."""
INK = 255 - PAPER
OTHER_FILES = (
    b"", b"seven, 7\n" * 100, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n", b"0000ftypheic" + b"0" * 99,
)  # fmt: skip


def test_path_bytes_pillow_and_array_are_the_same(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(file_of(COLOUR))
    expected = np.asarray(Image.fromarray(COLOUR).convert("L"))
    for source in (path, str(path), file_of(COLOUR), bytearray(file_of(COLOUR)), Image.fromarray(COLOUR), COLOUR):
        image = open_image(source)
        np.testing.assert_array_equal(image.grey, expected)
        assert image.size == (30, 40)


def test_on_coloured_paper_the_channel_that_it_reflects_counts():
    """Luma would mix in the noise of the others, and halve the contrast of what is written."""
    rng = np.random.default_rng(0)
    green = np.where(PAPER > 9, 200, 80)
    noise = rng.integers(0, 40, (2, 60, 60))
    display = np.dstack([noise[0], green, noise[1]]).astype(np.uint8)
    for grey in (open_image(display).grey, open_image(file_of(display.repeat(40, 0).repeat(40, 1), "JPEG"), 600).grey):
        assert np.percentile(grey, 90) - grey.min() > 100
    paper = np.dstack([green, green, 0.8 * green]).astype(np.uint8)  # white paper in warm light
    np.testing.assert_array_equal(open_image(paper).grey, np.asarray(Image.fromarray(paper).convert("L")))


@pytest.mark.parametrize(
    "array",
    [
        PAPER > 9,
        PAPER.astype(np.uint16) * 257,
        (PAPER / 255).astype("float32"),
        np.dstack([PAPER, PAPER, PAPER, np.full_like(PAPER, 255)]),
    ],
    ids=["bool", "16 bits", "floats", "RGBA"],
)
def test_every_kind_of_array(array):
    np.testing.assert_array_equal(open_image(array).grey, PAPER)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((5, 5, 2), np.uint8), "shape"),
        (np.zeros((0, 5), np.uint8), "shape"),
        (np.full((5, 5), 1.5), "floats from 0 to 1"),
        (np.full((5, 5), np.nan), "floats from 0 to 1"),
        (np.zeros((5, 5), np.int32), "int32"),
        (np.broadcast_to(np.uint8(0), (8000, 8000)), "8000x8000"),
        ([1, 2], "list"),
        *((data, "expected a whole PNG, .* or PDF; this is another file, or damaged") for data in OTHER_FILES),
    ],
)
def test_other_things_are_refused(source, message):
    with pytest.raises(DataError, match=message):
        open_image(source)


def png_modes():
    black, white = np.zeros_like(PAPER), np.full_like(PAPER, 255)
    yield "black on transparent, RGBA", Image.fromarray(np.dstack([black, black, black, INK])), {}
    yield "white on transparent, RGBA", Image.fromarray(np.dstack([white, white, white, INK])), {}
    index = Image.fromarray((INK > 0).astype(np.uint8), "P")
    index.putpalette([0, 0, 0, 0, 0, 0])  # two blacks that differ in transparency alone
    yield "palette with transparency for each entry", index, {"transparency": b"\x00\xff"}
    yield "L with a transparent grey", Image.fromarray(np.where(INK > 0, 0, 9).astype(np.uint8)), {"transparency": 9}
    wide = Image.fromarray(np.where(INK > 0, 0, 500).astype(np.uint16))
    yield "16-bit with a transparent grey", wide, {"transparency": 500}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "image", "options"), [*png_modes()], ids=lambda value: str(value)[:40])
def test_every_mode_of_png(name, image, options):
    expected = INK if name.startswith("white") else PAPER
    np.testing.assert_array_equal(open_image(file_of(image, **options)).grey, expected)


@pytest.mark.parametrize(
    ("format_", "mode"),
    [("PNG", "L"), ("MPO", "RGB"), ("WEBP", "RGB"), ("TIFF", "L"), ("GIF", "L"), ("AVIF", "RGB"), ("HEIF", "RGB")],
)
def test_of_several_frames_the_first(format_, mode):
    pillow_heif.register_heif_opener()
    image = Image.fromarray(PAPER).convert("RGB").convert(mode)
    data = file_of(image, format_, quality=95, save_all=True, append_images=[image.rotate(90)])
    assert np.abs(open_image(data).grey.astype(int) - PAPER).mean() < 3


def test_exif_rotation_is_undone(tmp_path):
    exif = Image.Exif()
    for orientation, stored in ((2, GREY[:, ::-1]), (6, np.rot90(GREY))):
        exif[0x0112] = orientation
        (tmp_path / "a.png").write_bytes(file_of(np.ascontiguousarray(stored), exif=exif))
        for source in (tmp_path / "a.png", Image.open(tmp_path / "a.png")):
            image = open_image(source)
            np.testing.assert_array_equal(image.grey, GREY)
            assert image.size == (30, 40)


def test_a_large_jpeg_is_shrunk_while_it_is_decoded():
    smooth = np.add.outer(np.arange(2000), np.arange(3000)) * 255 // 5000
    data = file_of(smooth.astype(np.uint8), "JPEG", quality=95)
    whole, small = open_image(data), open_image(data, side=700)
    assert whole.grey.shape == (2000, 3000)
    assert small.grey.shape == (500, 750)
    assert whole.size == small.size == (3000, 2000)
    assert np.abs(small.grey.astype(int) - whole.grey[2::4, 2::4]).mean() < 2


@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
def test_a_cut_or_damaged_picture_is_refused(format_):
    data = file_of(COLOUR, format_)
    for broken in (data[: len(data) // 10], data[: len(data) * 4 // 5], data[:20] + b"\xff" * 8 + data[28:]):
        with pytest.raises(DataError, match="expected a whole PNG"):
            open_image(broken)


def test_warnings_of_pillow_are_errors(monkeypatch):
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "0" * (20 << 20), zip=True)
    with pytest.raises(DataError, match="too large"):
        open_image(file_of(PAPER, pnginfo=info))
    # 81 megapixels pass Pillow itself with a warning; here its limit is below the picture's size.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60 * 60 - 1)
    with pytest.raises(DataError, match=r"at most 16384 pixels a side .* make it smaller"):
        open_image(file_of(PAPER))


def test_no_file_a_folder_and_a_pipe_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "none.png", tmp_path, tmp_path / "pipe.png"):
        with pytest.raises(DataError, match="found none"):
            open_image(path)
    with pytest.raises(DataError, match="received File name too long"):
        open_image(tmp_path / ("n" * 300))


STARTS = [b"", file_of(PAPER), file_of(PAPER, "JPEG")]


@given(st.sampled_from(STARTS), st.integers(0, 4000), st.binary(max_size=300), st.booleans())
def test_any_bytes_give_an_image_or_a_data_error(start, at, more, replace):
    data = start[:at] + more + (start[at + len(more) :] if replace else b"")
    try:
        grey = open_image(data).grey
    except DataError:
        return
    assert (grey.ndim, grey.dtype) == (2, np.uint8)


LARGEST = """
import io
from PIL import Image
from tendigits.pictures.image import open_image
for kind, mode, side, options in (("TIFF", "CMYK", 7071, {"compression": "tiff_deflate"}), ("JPEG", "RGB", 8000, {})):
    buffer = io.BytesIO()
    Image.new(mode, (side, side)).save(buffer, kind, **options)
    open_image(buffer.getvalue(), side=2048)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
def test_the_largest_pictures_take_less_than_600_mb():
    assert MAX_PIXELS == 50_000_000 >= 7071**2
    done = subprocess.run([sys.executable, "-c", LARGEST], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 600


@pytest.mark.parametrize("size", [(30000, 30000), (16385, 1), (7100, 7100), (2**31 - 1, 1)])
def test_a_png_that_claims_too_many_pixels_is_refused_without_memory(size):
    peak, message = peak_while_refusing(lambda: open_image(png_of(*size, b"")))
    assert peak < 5_000_000
    assert "16384 pixels a side" in message
    assert message.endswith("make it smaller")


def test_a_heic_that_claims_too_many_pixels_is_refused_without_memory():
    pillow_heif.register_heif_opener()
    data = file_of(Image.new("RGB", (64, 64), "white"), "HEIF")
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
