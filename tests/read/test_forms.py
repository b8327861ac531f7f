"""Fields that were marked on one picture of a form are read on photos of others."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tendigits.digits.segment import Box
from tendigits.errors import DataError, UserError
from tendigits.read.forms import load_form
from tendigits.read.reader import Reader

SIZE = (900, 1200)
WORDS = "Examination of the second term, department of statistics, please fill in clearly"
FIELDS = {"student": Box(420, 300, 760, 370), "points": Box(420, 500, 600, 570), "mark": Box(420, 700, 600, 770)}
TOML = 'picture = "blank.png"\n[fields]\n' + "".join(f"{name} = {[*box]}\n" for name, box in FIELDS.items())


def sheet(values):
    """A form with printed words and boxes, filled in with numbers."""
    page = Image.new("L", SIZE, 242)
    draw = ImageDraw.Draw(page)
    for n, word in enumerate(WORDS.split()):
        draw.text((80 + 190 * (n % 4), 60 + 46 * (n // 4)), word, 40, ImageFont.load_default(26))
    for name, box in FIELDS.items():
        draw.text((120, box.top + 16), f"{name} of the examined person", 40, ImageFont.load_default(20))
        draw.rectangle(tuple(box), outline=70, width=2)
        draw.text((box.left + 30, box.top + 8), values.get(name, ""), 30, ImageFont.load_default(46))
    draw.text(
        (120, 900), "This form is read by a machine. Keep it clean, and do not fold it.", 40, ImageFont.load_default(24)
    )
    draw.ellipse((640, 960, 820, 1140), outline=60, width=5)
    draw.polygon([(150, 1010), (260, 960), (330, 1120), (180, 1150)], outline=50)
    return np.asarray(page)


def photo(page, turned=0):
    """The sheet on a desk, aslant."""
    corners = np.array([[0, 0], [SIZE[0], 0], [SIZE[0], SIZE[1]], [0, SIZE[1]]], np.float32)
    seen = np.array([[190, 130], [1010, 180], [1060, 1330], [120, 1270]], np.float32)
    picture = cv2.warpPerspective(page, cv2.getPerspectiveTransform(corners, seen), (1200, 1450), borderValue=90)
    return np.ascontiguousarray(np.rot90(picture, -turned // 90))


@pytest.fixture(scope="module")
def form(tmp_path_factory):
    folder = tmp_path_factory.mktemp("form")
    Image.fromarray(sheet({})).save(folder / "blank.png")
    (folder / "exam.toml").write_text(TOML)
    return folder / "exam.toml"


@pytest.mark.parametrize("turned", [0, 90, 180])
def test_photos_of_a_form_are_read_field_by_field(form, turned):
    values = {"student": "40275", "points": "17", "mark": "2"}
    page = Reader(threads=1, form=form).read(photo(sheet(values), turned))
    assert {name: cell.value for name, cell in page.fields.items()} == values
    box = page.fields["student"].box
    assert box.left < page.lines[0].box.left < page.lines[0].box.right < box.right
    assert page.text().splitlines()[0].startswith("student: 40275")


def test_the_guides_form_is_one(tmp_path):
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text()
    (text,) = re.findall(r"^```toml\n(picture.*?)^```", guide, re.DOTALL | re.MULTILINE)
    (tmp_path / "exam.toml").write_text(text)
    Image.new("L", (800, 1000), 255).save(tmp_path / "exam.jpg")
    assert [*load_form(tmp_path / "exam.toml").fields] == ["student", "points"]


def test_an_empty_field_stays_empty(form):
    fields = Reader(threads=1, form=form).read(sheet({"points": "30"})).fields
    assert [cell.value for cell in fields.values()] == ["", "30", ""]


def test_another_picture_is_refused(form):
    for other in (np.full((900, 700), 240, np.uint8), np.random.default_rng(0).integers(0, 255, (600, 600), np.uint8)):
        with pytest.raises(DataError, match=r"expected a picture of the form, found .* features of it"):
            Reader(threads=1, form=form).read(other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("picture = 3", "expected picture = .* and a table"),
        ('picture = "blank.png"\n[fields]\na = [0, 0, 9]', "expected left, top, right and bottom within 900x1200"),
        ('picture = "blank.png"\n[fields]\na = [0, 0, 901, 9]', "for the field a of .*, received"),
        ("=", "expected a form's TOML file at"),
    ],
)
def test_what_is_no_form_is_reported(form, text, message):
    other = form.parent / "other.toml"
    other.write_text(text)
    with pytest.raises(UserError, match=message):
        load_form(other)
    with pytest.raises(UserError, match="expected a form's TOML file at none"):
        load_form("none.toml")
