"""Fields marked on one picture of a form are read on others; the corpus has photos of forms."""

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from drawing import FORM_FIELDS, FORM_SIZE, filled_form
from tendigits.digits.find import open_page
from tendigits.errors import DataError, UserError
from tendigits.numbers.crops import Budget
from tendigits.read.forms import load_form, make_form, read_fields
from tendigits.read.reader import Reader

TOML = 'picture = "blank.png"\n[fields]\n' + "".join(f"{name} = {[*box]}\n" for name, box in FORM_FIELDS.items())
VALUES = {"student": "40275", "points": "17", "mark": "2"}


@pytest.fixture(scope="module")
def form(tmp_path_factory):
    folder = tmp_path_factory.mktemp("form")
    Image.fromarray(filled_form({})).save(folder / "blank.png")
    (folder / "exam.toml").write_text(TOML)
    return folder / "exam.toml"


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_the_picture_of_the_form_may_be_turned(turned):
    blank = np.rot90(filled_form({}), -turned // 90)
    size = blank.shape[0 if turned % 180 else 1], blank.shape[1 if turned % 180 else 0]
    fields = {name: [*box.turned(turned // 90, size)] for name, box in FORM_FIELDS.items()}
    page = Reader(threads=1).read_form(make_form(blank, fields, turned), filled_form(VALUES))
    assert {name: cell.value for name, cell in page.fields.items()} == VALUES


@pytest.mark.parametrize("name", ["page_hand_lines.png", "page_struck_out.png", "table_hand_row_sums.png"])
def test_another_page_is_not_this_form(form, name):
    """A few of its details look like many of the form."""
    corpus = Path(__file__).parents[1] / "corpus"
    with pytest.raises(DataError, match="does not look like this form"):
        load_form(corpus / "form_exam.toml").align(open_page(corpus / name)[0])


def test_a_form_is_aligned_by_corners_that_a_person_shows():
    form = make_form(np.full((FORM_SIZE[1], FORM_SIZE[0]), 235, np.uint8), FORM_FIELDS)
    corners = np.array([(0.12, 0.2), (0.85, 0.1), (0.9, 0.95), (0.08, 0.85)])
    (width, height), size = FORM_SIZE, (1200, 1000)
    edges = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    towards = cv2.getPerspectiveTransform(edges, (corners * size).astype(np.float32))
    photo = cv2.warpPerspective(filled_form(VALUES), towards, size, borderValue=60)
    page = Reader(threads=1).read_form(form, photo, corners=corners.tolist())
    assert {name: cell.value for name, cell in page.fields.items()} == VALUES
    for wrong in (corners[::-1], corners[[0, 1, 3, 2]], corners[[0, 1, 1, 3]], corners[:3]):
        with pytest.raises(UserError, match="expected the form's four corners"):
            form.align(photo, wrong.tolist())


def test_a_field_has_its_own_number_where_the_budget_ends():
    """The fields are listed from the bottom, and the budget pays for the upper one only."""
    reader = Reader(threads=1).number_reader
    reader = replace(reader, options=replace(reader.options, max_numbers=0))  # so that it looks into the fields
    form = make_form(filled_form({}), dict(reversed(FORM_FIELDS.items())))
    readings, fields = read_fields(reader, filled_form(VALUES), form, Budget(1950))
    texts = {name: [readings[i].text for i in indices] for name, indices in fields.items()}
    assert texts == {"mark": [], "points": [], "student": [VALUES["student"]]}


def test_the_form_in_the_guide_is_valid(tmp_path):
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text()
    (text,) = re.findall(r"^```toml\n(picture.*?)^```", guide, re.DOTALL | re.MULTILINE)
    (tmp_path / "exam.toml").write_text(text)
    Image.new("L", (800, 1000), 255).save(tmp_path / "exam.jpg")
    assert [*load_form(tmp_path / "exam.toml").fields] == ["student", "points"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("picture = 3", "expected picture = .* and a table"),
        ('picture = "blank.png"\n[fields]\na = [0, 0, 9]', "expected left, top, right and bottom within 900x1200"),
        ('picture = "blank.png"\n[fields]\na = [0, 0, 901, 9]', "for the field a of .*, received"),
        ('picture = "blank.png"\n[fields]\na = [0, 0, 9, 1]', "at least 4 apart"),
        ('picture = "blank.png"\nturned = 45\n[fields]\na = [0, 0, 9, 9]', "expected 0, 90, 180 or 270 degrees"),
        ("=", "expected a form's TOML file at"),
    ],
)
def test_an_invalid_form_is_rejected(form, text, message):
    other = form.parent / "other.toml"
    other.write_text(text)
    with pytest.raises(UserError, match=message):
        load_form(other)
    with pytest.raises(UserError, match="expected a form's TOML file at none"):
        load_form("none.toml")


def test_what_stands_on_the_edge_of_a_field_is_its_frame():
    reader, blank, filled = Reader(threads=1), filled_form({}), filled_form(VALUES)
    page = reader.read_form(make_form(blank, FORM_FIELDS), filled)
    first = next(number for number in page.numbers if number.value == "40275").characters[0].box
    narrow = FORM_FIELDS["student"]._replace(left=(first.left + first.right) // 2)
    assert reader.read_form(make_form(blank, {"student": narrow}), filled).fields["student"].value == "0275"
