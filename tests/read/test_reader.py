import io
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from drawing import page_of_numbers, printed_table
from tendigits.digits.network import Network, bundled
from tendigits.errors import DataError, UserError
from tendigits.numbers import finder
from tendigits.numbers.crops import PAGE_BUDGET, STRIP_COST, Budget
from tendigits.numbers.detections import Detection
from tendigits.numbers.network import bundled_file
from tendigits.read.page import BLURRED, FAINT, TINY, TOO_MANY
from tendigits.read.reader import Reader


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1)


@pytest.fixture(scope="module")
def clear_digits(digits, reader):
    """A test digit of each label that the network classifies correctly and with high confidence."""
    predictions = reader.network(digits.x_test)
    right = (predictions.digits.argmax(axis=1) == digits.y_test) & (predictions.confidence > 0.97)
    return [digits.x_test[np.flatnonzero(right & (digits.y_test == label))[3]] for label in range(10)]


def written(clear_digits, text, gap=14):
    """The digits of a text in a row, dark on light paper."""
    pieces = []
    for character in text:
        digit = clear_digits[int(character)]
        columns = np.flatnonzero((digit > 60).any(axis=0))
        piece = cv2.resize(digit[:, columns[0] : columns[-1] + 1], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        pieces += [piece, np.zeros((84, gap), np.uint8)]
    row = cv2.copyMakeBorder(np.hstack(pieces), 20, 20, 30, 30, cv2.BORDER_CONSTANT)
    return (235 - row * 0.8).astype(np.uint8)


def printed(text):
    image = Image.new("L", (400, 120), 235)
    ImageDraw.Draw(image).text((60, 30), text, 40, ImageFont.load_default(44))
    return image


def values(page):
    return [number.value for number in page.numbers]


def test_digits_of_any_size_on_any_paper(digits, reader):
    images = digits.x_test[:150]
    for change in (
        lambda image: image,
        lambda image: 255 - image,
        lambda image: cv2.resize(255 - image // 2, None, fx=4, fy=4),
        lambda image: np.pad(image, ((3, 40), (50, 5))),
    ):
        labels = [digit.label for digit in reader.digits([change(image) for image in images])]
        assert np.mean(labels == digits.y_test[:150]) > 0.97


def test_a_single_picture_is_not_a_list(reader):
    with pytest.raises(UserError, match=r"expected a list of pictures, received .*; use digit\(\) for one"):
        reader.digits(Path("a.png"))


def test_a_number_with_its_characters(reader, clear_digits):
    picture = cv2.resize(written(clear_digits, "0427"), None, fx=2, fy=2)
    (number,) = reader.read(picture).numbers
    assert number.box.right > 0.6 * picture.shape[1], "in pixels of the picture"
    assert (number.value, number.number, number.reason, number.accepted) == ("0427", 427, None, True)
    assert [character.label for character in number.characters] == list("0427")
    columns = np.flatnonzero((picture < 180).any(axis=0))
    strokes = np.split(columns, np.flatnonzero(np.diff(columns) > 12) + 1)
    for character, stroke in zip(number.characters, strokes, strict=True):
        assert (character.crop.shape, character.accepted) == ((28, 28), True)
        assert (character.box.left, character.box.right) == pytest.approx((stroke[0], stroke[-1]), abs=5)
        rows = np.flatnonzero((picture[:, stroke] < 180).any(axis=1))
        assert (character.box.top, character.box.bottom) == pytest.approx((rows[0], rows[-1]), abs=5)


def test_the_decimal_separator_is_an_option():
    picture = printed("1.250")
    meanings = [Reader(threads=1, decimal=mark).read(picture).numbers[0].number for mark in ("auto", "point", "comma")]
    assert meanings == [None, Decimal("1.250"), 1250]


def test_the_threshold_decides_what_is_accepted(clear_digits):
    loose, strict = Reader(max_error=0.05).number_threshold, Reader(max_error=0.015).number_threshold
    assert loose < Reader().number_threshold < strict
    assert Reader(threshold=0.0).digit(clear_digits[5]).accepted
    strict = Reader(threshold=1.0)
    digit = strict.digit(clear_digits[5])
    assert (digit.label, digit.accepted) == (5, False)
    assert digit.reason.startswith("may be")
    (number,) = strict.read(printed("42")).numbers
    assert (number.value, number.accepted) == ("42", False)
    assert number.reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.5}, "expected a threshold from 0 to 1, received 1.5"),
        ({"threshold": 0.5, "max_error": 0.1}, "expected a threshold or a maximum error, received both"),
        ({"decimal": "dot"}, "expected comma, point or auto for decimals, received 'dot'"),
    ],
)
def test_options_out_of_range_are_rejected(options, message):
    with pytest.raises(UserError, match=message):
        Reader(**options)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (3, 16384), (16384, 40)])
def test_tiny_and_thin_pictures(reader, shape):
    noise = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    assert not any(number.accepted for number in reader.read(noise).numbers)
    assert not reader.digit(noise).accepted


def test_a_picture_without_detections_is_read_as_one_line(reader, clear_digits, monkeypatch):
    monkeypatch.setattr(finder, "find_numbers", lambda network, grey, options: ([], False))
    assert values(reader.read(written(clear_digits, "0427"))) == ["0427"]


def test_a_number_detected_only_in_part_is_not_accepted(reader, clear_digits, monkeypatch):
    """The digits next to the detection show it."""
    row = written(clear_digits, "135079")
    page = cv2.copyMakeBorder(row, 300, 300, 200, 200, cv2.BORDER_CONSTANT, value=235)
    (whole,) = reader.read(page).numbers
    assert whole.value == "135079"
    length = 2.5 * row.shape[1] / 6
    end = Detection(200 + row.shape[1] - 30 - length / 2, page.shape[0] / 2, 0.0, length, 60.0, 1.0)
    monkeypatch.setattr(finder, "find_numbers", lambda network, grey, options: ([end], False))
    (part,) = reader.read(page).numbers
    assert "135079".endswith(part.value)
    assert part.accepted is False
    assert part.confidence < whole.confidence - 0.05


def test_a_users_network_decides_about_every_digit(clear_digits):
    always_5 = np.where(np.arange(10) == 5, 12, 0).astype(np.float32)
    reader = Reader(Network("user", 0.9, lambda crops: np.tile(always_5, (len(crops), 1))))
    assert values(reader.read(written(clear_digits, "47"))) == ["55"]


def test_a_fine_tuned_network_decides_only_where_it_differs_from_the_package(clear_digits):
    """It was taught that every 4 is a 5; its number network is its own."""

    def logits(crops):
        made = bundled().logits(crops)
        made[:, [4, 5]] = np.stack([np.minimum(made[:, 4], -9), np.maximum(*made[:, [4, 5]].T)], axis=1)
        return made

    reader = Reader(Network("taught", 0.9, logits, number_network=bundled_file()))
    assert reader.number_reader.network.about == Reader().number_reader.network.about
    assert values(reader.read(written(clear_digits, "0427"))) == ["0527"]
    unsure = Network("unsure", 0.9, lambda crops: np.zeros((len(crops), 11), np.float32), number_network=bundled_file())
    assert values(Reader(unsure).read(written(clear_digits, "0427"))) == ["0427"]


@pytest.mark.parametrize("source", [b"", b"not a picture", "no/such/file.png", None])
def test_a_source_that_is_not_a_picture_is_rejected(reader, source):
    for call in (reader.digit, reader.read):
        with pytest.raises(DataError):
            call(source)


@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(1, 50), st.sampled_from([0.001, 0.05, 0.5]))
def test_any_pixels_are_read(reader, seed, height, width, fraction):
    noise = (np.random.default_rng(seed).random((height, width)) > fraction).astype(np.uint8) * np.uint8(255)
    page, digit = reader.read(noise), reader.digit(noise)
    assert page.size == (width, height)
    assert 0 <= digit.confidence <= 1


def test_the_numbers_of_a_page_are_limited_and_the_rows_of_the_others_are_named(reader, monkeypatch):
    page = printed_table([[7] * 4] * 6)
    advice = "not read: there is too much on this page. Photograph it in two parts."
    for limit, notice in (
        (10, TOO_MANY), (16, f"Rows 5 to 6 were {advice}"), (20, f"Row 6 was {advice}"), (48, None)
    ):  # fmt: skip
        options = replace(reader.number_reader.options, max_numbers=limit)
        monkeypatch.setattr(reader, "number_reader", replace(reader.number_reader, options=options))
        part = reader.read(page)
        assert 0 < len(part.numbers) <= limit
        assert part.notice == part.as_dict()["notice"] == notice
        assert part.is_whole is (notice is None)


def test_a_page_is_read_from_the_top_as_far_as_its_budget_goes_and_what_was_not_read_is_said(reader, monkeypatch):
    pages, table = [], printed_table([[27] * 8] * 10)
    for work in (6_000, 20_000, 1e9):
        monkeypatch.setattr("tendigits.read.reader.Budget", partial(Budget, work))
        pages.append(reader.read(table))
    monkeypatch.undo()
    monkeypatch.setattr(reader, "seconds", 0.0)
    pages.append(reader.read(table))
    assert [len(page.numbers) for page in pages] == [*sorted(len(page.numbers) for page in pages[:3]), 0]
    assert len(pages[2].numbers) == 80
    assert pages[2].notice is None
    assert pages[3].notice is not None
    for page in pages[:2]:
        first, last = map(int, re.match(r"Rows (\d+) to (\d+) were not read: ", page.notice or "").groups())
        assert last >= 10
        assert 8 * (first - 1) <= len(page.numbers) < 8 * first
        empty = [cell for _, cell in page.table().cells() if not cell.value]
        assert not any(cell.accepted for cell in empty), "no unmarked empty cell where the budget ended"


def test_the_networks_do_no_more_than_a_page_may_cost(reader, monkeypatch):
    """Each pair of rings looks like an 8 half as wide as it is high."""
    page, work, number_reader = np.full((2048, 2048), 255, np.uint8), 0.0, reader.number_reader
    for y in range(31, 2020, 70):
        for x in range(16, 2034, 30):
            for ring in (y - 14, y + 14):
                cv2.circle(page, (x, ring), 14, 0, 2, cv2.LINE_AA)

    def network(strips):
        nonlocal work
        work += sum(strip.shape[1] + STRIP_COST for strip in strips)
        return number_reader.network(strips)

    monkeypatch.setattr(reader, "number_reader", replace(number_reader, network=network))
    assert reader.read(page).numbers
    assert PAGE_BUDGET / 20 < work < PAGE_BUDGET


LARGEST = """
import io
import numpy as np
from PIL import Image
from tendigits.read.reader import Reader
page = np.full((4096, 4096), 235, np.uint8)
for row in range(20):
    for column in range(20):
        page[200 * row + 40 : 200 * row + 160, 200 * column + 92 : 200 * column + 108] = 30
buffer = io.BytesIO()
Image.fromarray(page).convert("RGBA").save(buffer, "PNG", compress_level=1)
reader = Reader()
assert reader.digit(buffer.getvalue()).crop.any()
assert reader.read(buffer.getvalue()).size == (4096, 4096)
# Not ru_maxrss: that begins with what the parent process had.
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_the_largest_picture_needs_less_than_500_mb():
    done = subprocess.run([sys.executable, "-c", LARGEST], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 500


@pytest.mark.parametrize(("contrast", "notice"), [(1.0, None), (0.2, FAINT), (0.0, None)])
def test_a_page_of_which_nothing_is_read_says_so_if_it_is_faint(reader, contrast, notice):
    words = cv2.imread(str(Path(__file__).parents[1] / "corpus/page_print_words.png"), cv2.IMREAD_GRAYSCALE)
    page = reader.read((230 + contrast * (words.astype(float) - 230)).clip(0, 255).astype(np.uint8))
    assert (page.numbers, page.notice) == ([], notice)


@pytest.mark.parametrize("sigma", [3.3, 3.84, 5, 7.2])
def test_a_blurred_page_on_which_nothing_is_accepted_says_so(reader, sigma):
    register = cv2.imread(str(Path(__file__).parents[2] / "docs/gallery/register.jpg"), cv2.IMREAD_GRAYSCALE)
    page = reader.read(cv2.GaussianBlur(register, None, sigma))
    assert not any(number.accepted for number in page.numbers)
    assert page.notice == BLURRED


def test_a_blurred_photo_says_so(digits, tmp_path, run_cli):
    sharp = cv2.imdecode(np.frombuffer(page_of_numbers(digits), np.uint8), cv2.IMREAD_GRAYSCALE)
    height = Reader().read(sharp).numbers[0].box.height
    assert Reader().read(sharp).notice is None
    for blur in (0.115, 0.3):  # of the digits' height: then some is read, and nothing
        page = Reader().read(cv2.GaussianBlur(sharp, None, blur * height))
        assert page.notice == "The photo is blurred. Hold still and move closer."
    assert not page.numbers
    cv2.imwrite(str(tmp_path / "a.png"), cv2.GaussianBlur(sharp, None, 0.3 * height))
    code, _, errors = run_cli("read", tmp_path / "a.png")
    assert (code, "Hold still and move closer." in errors, "too blurred to read: 1 of 1 pictures" in errors) == (
        1,
        True,
        True,
    )


@pytest.mark.parametrize(("size", "notice"), [(0.8, None), (0.45, TINY)])
def test_a_page_of_very_small_digits_says_so(reader, size, notice):
    page = np.full((900, 1300), 245, np.uint8)
    for n in range(200):
        at = 20 + 62 * (n % 20), 40 + 40 * (n // 20)
        cv2.putText(page, str(100 + 37 * n % 900), at, cv2.FONT_HERSHEY_SIMPLEX, size, 20, 1, cv2.LINE_AA)
    assert reader.read(page).notice == notice


def test_the_pages_of_a_document_are_read_one_by_one(digits, reader, tmp_path):
    page = Image.open(io.BytesIO(page_of_numbers(digits)))
    page.save(tmp_path / "scan.tiff", save_all=True, append_images=[Image.new("L", page.size, 240)])
    first, second = reader.pages(tmp_path / "scan.tiff")
    assert (len(first.numbers) > 0, first.notice, second.numbers) == (True, None, [])
    for source in (tmp_path / "scan.tiff", (tmp_path / "scan.tiff").read_bytes()):
        read = reader.read(source)
        assert (read.text(), read.n_pages) == (first.text(), 2)
        assert read.notice == "This is page 1 of 2. Reader.pages() reads all of them."
    assert reader.read(f"{tmp_path}/scan.tiff#page=2").notice is None
    assert [each.text() for each in reader.pages(page_of_numbers(digits))] == [first.text()]
