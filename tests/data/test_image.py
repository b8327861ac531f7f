"""What `open_photo` takes beside files; what becomes of damaged and hostile files is in test_image.py."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tendigits.data.image import MAX_PIXELS, open_photo
from tendigits.errors import DataError

GREY = np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def test_path_bytes_pillow_and_array_are_the_same(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(COLOUR))
    expected = np.asarray(Image.fromarray(COLOUR).convert("L"))
    for source in (path, str(path), png(COLOUR), bytearray(png(COLOUR)), Image.fromarray(COLOUR), COLOUR):
        image = open_photo(source)
        np.testing.assert_array_equal(image.grey, expected)
        assert image.size == (30, 40)


@pytest.mark.parametrize(
    "array",
    [
        GREY.astype(np.uint16) * 257,
        GREY / 255,
        (GREY / 255).astype("float32"),
        np.dstack([GREY] * 3),
        np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)]),
        np.asfortranarray(GREY),
        np.repeat(GREY, 2, axis=1)[:, ::2],
    ],
    ids=["16 bits", "float64", "float32", "RGB", "RGBA", "Fortran", "a view"],
)
def test_every_kind_of_array(array):
    np.testing.assert_array_equal(open_photo(array).grey, GREY)


def test_an_array_of_truth():
    np.testing.assert_array_equal(open_photo(GREY > 9).grey, np.where(GREY > 9, 255, 0))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (np.zeros(5), "shape"),
        (np.zeros((5, 5, 2), np.uint8), "shape"),
        (np.zeros((0, 5), np.uint8), "shape"),
        (np.full((5, 5), 1.5), "floats from 0 to 1"),
        (np.full((5, 5), np.nan), "floats from 0 to 1"),
        (np.zeros((5, 5), np.int32), "int32"),
        (np.zeros((5, 5), object), "object"),
        (np.broadcast_to(np.uint8(0), (5000, 5000)), "5000x5000"),
        (None, "NoneType"),
        (7, "int"),
        ([1, 2], "list"),
    ],
)
def test_what_is_no_picture_is_refused(source, said):
    with pytest.raises(DataError, match=said):
        open_photo(source)


def test_exif_of_a_pillow_image_counts_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "a.png", exif=exif)
    image = open_photo(Image.open(tmp_path / "a.png"))
    np.testing.assert_array_equal(image.grey, np.rot90(GREY, -1))
    assert image.size == open_photo(tmp_path / "a.png", side=10).size == (40, 30)


def test_a_large_jpeg_is_shrunk_while_it_is_decoded():
    smooth = np.add.outer(np.arange(2000), np.arange(3000)) * 255 // 5000
    buffer = io.BytesIO()
    Image.fromarray(smooth.astype(np.uint8)).save(buffer, "JPEG", quality=95)
    whole, small = open_photo(buffer.getvalue()), open_photo(buffer.getvalue(), side=700)
    assert whole.grey.shape == (2000, 3000)
    assert small.grey.shape == (500, 750)
    assert whole.size == small.size == (3000, 2000)
    assert np.abs(small.grey.astype(int) - whole.grey[2::4, 2::4]).mean() < 2


CODE = """
import io, sys
import numpy as np
from PIL import Image
from tendigits.data.image import open_photo
buffer = io.BytesIO()
kind, mode, side = sys.argv[1], sys.argv[2], int(sys.argv[3])
Image.new(mode, (side, side)).save(buffer, kind, **({"compression": "tiff_deflate"} if kind == "TIFF" else {}))
open_photo(buffer.getvalue(), side=2048)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize(
    ("kind", "mode", "side"),
    [("PNG", "RGBA", 4096), ("PNG", "I;16", 4096), ("TIFF", "CMYK", 4096), ("JPEG", "RGB", 8000)],
)
def test_the_largest_picture_takes_less_than_600_mb(kind, mode, side):
    assert MAX_PIXELS == 4096 * 4096
    done = subprocess.run([sys.executable, "-c", CODE, kind, mode, str(side)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 600


def test_in_a_process_with_threads_pillows_warnings_are_errors_once_and_for_all():
    """And nobody else's; the filters do not change while pictures are read."""
    code = """
import io, threading, warnings
import numpy as np
from PIL import Image
from tendigits.data import image

image.prepare_for_threads()
image.prepare_for_threads()
before = list(warnings.filters)
data = io.BytesIO()
Image.fromarray(np.zeros((50, 50), np.uint8)).save(data, "PNG")
seen = []
def read():
    for _ in range(200):
        image.open_photo(data.getvalue())
        seen.append(warnings.filters == before)
threads = [threading.Thread(target=read) for _ in range(4)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
assert len(seen) == 800 and all(seen)
try:
    warnings.warn_explicit("damaged", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")
except UserWarning:
    pass
else:
    raise SystemExit("a warning of Pillow is only a warning")
warnings.warn_explicit("else", UserWarning, "x.py", 1, module="PILLAR")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "else" in done.stderr
