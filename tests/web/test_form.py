"""A form's fields are marked on the page; the page and the command read filled forms alike."""

import csv
import io
import tomllib

import numpy as np
import openpyxl
import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Page, expect

from browser import PHONE, barriers, choose, download, touching
from drawing import FORM_FIELDS, FORM_SIZE, file_of, filled_form, photo_of

pytestmark = pytest.mark.xdist_group("browser")

NAMES = ["student", "points"]
SIDEWAYS = 6
"""EXIF's orientation of a picture to be turned by 90 degrees clockwise."""


@pytest.fixture(scope="module")
def filled():
    """A photo of a filled form, and one that ends above the points."""
    pictures = {
        "a.png": photo_of(filled_form({"student": "40275", "points": "17"}), 90),
        "b.png": photo_of(filled_form({"student": "50913"}))[:560],
    }
    return {name: file_of(Image.fromarray(picture)) for name, picture in pictures.items()}


def open_form(page: Page, data: bytes, name: str = "exam.png") -> None:
    choose(page, data, name)
    page.click("#form summary")
    page.locator("#marks").scroll_into_view_if_needed()


def drag(page: Page, box, size, touch: bool = False) -> None:
    """Draw a box, in pixels of a picture of some size, with the mouse or a finger."""
    page.locator("#marks").evaluate("(e, share) => scrollTo(0, scrollY + e.getBoundingClientRect().top - 100 "
                                    "+ share * e.getBoundingClientRect().height)", box[1] / size[1])  # fmt: skip
    seen = page.locator("#marks").bounding_box()
    points = [
        (seen["x"] + x * seen["width"] / size[0], seen["y"] + y * seen["height"] / size[1])
        for x, y in (box[:2], box[2:])
    ]
    if not touch:
        page.mouse.move(*points[0])
        page.mouse.down()
        page.mouse.move(*points[1], steps=3)
        page.mouse.up()
        return
    put = touching(page)
    for kind, at in (("touchStart", points[:1]), ("touchMove", points[1:]), ("touchEnd", [])):
        put(kind, *at)


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_form_is_marked_once_and_read_here_and_by_the_command(open_page, filled, run_cli, tmp_path, phone):
    """On the desktop its picture lies on its side; on the phone EXIF says that it does."""
    blank = Image.fromarray(filled_form({}))
    data, boxes, size = io.BytesIO(), [FORM_FIELDS[name] for name in NAMES], FORM_SIZE
    if phone:
        exif = Image.Exif()
        exif[0x0112] = SIDEWAYS
        blank.transpose(Image.Transpose.ROTATE_90).save(data, "JPEG", exif=exif, quality=95)
    else:
        boxes, size = [box.turned(1, FORM_SIZE) for box in boxes], FORM_SIZE[::-1]
        blank.transpose(Image.Transpose.ROTATE_270).save(data, "PNG")
    page = open_page("#read", accept_downloads=True, **PHONE if phone else {})
    open_form(page, data.getvalue(), "exam 1.jpg")
    for box in boxes:
        drag(page, box, size, touch=phone)
    if not phone:
        page.select_option("#form-top", "90")
        name, shape = (page.locator(each).last.bounding_box() for each in ("#fields input", "#marks .field rect"))
        assert abs(name["y"] + name["height"] - shape["y"]) < 5, "the name stands on its box"
        expect(page.locator("#fields input").last).to_be_focused()
    for name, field in zip(NAMES, page.locator("#fields input").all(), strict=True):
        field.fill(name)

    folder = tmp_path / "form"
    assert download(page, "#save-picture", folder).name == "exam 1.jpg"
    assert download(page, "#save-form", folder).name == "exam 1.toml"
    form = tomllib.loads((folder / "exam 1.toml").read_text())
    assert (form["picture"], form.get("turned", 0)) == ("exam 1.jpg", 0 if phone else 90)
    assert [*form["fields"]] == NAMES
    assert np.abs(np.array([*form["fields"].values()]) - boxes).max() <= 4

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, picture in filled.items():
        (pictures / name).write_bytes(picture)
    arguments = ("--form", folder / "exam 1.toml", "--csv", tmp_path / "out.csv")
    code, _, errors = run_cli("read", *sorted(pictures.iterdir()), *arguments)
    assert code == 0, errors
    expected = [*csv.reader((tmp_path / "out.csv").read_text().splitlines())]
    assert [row[1:] for row in expected] == [
        ["student", "points", "to check"], ["40275", "17", ""], ["50913", "", "points"],
    ]  # fmt: skip

    (pictures / "c.png").write_bytes(b"no picture")
    page.fill("#form-expect", "student: 40275|50913, points: 0..20")
    page.set_input_files("#filled", sorted(pictures.iterdir()))
    expect(page.locator("#forms-state")).to_have_text("3 pictures, 1 cell to check, 1 not read")
    expect(page.locator("#form-rows .doubtful")).to_have_text("is not in the picture")
    assert download(page, "#forms-csv", tmp_path).name == "forms.csv"
    *shown, failed = csv.reader((tmp_path / "forms.csv").read_text().splitlines())
    assert [[row[0].rpartition("/")[2], *row[1:]] for row in expected] == shown
    assert failed[:3] == ["c.png", "", ""]
    assert failed[3].startswith("expected a whole PNG")
    sheet = openpyxl.load_workbook(download(page, "#forms-xlsx", tmp_path))["forms"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows(max_row=3)] == [
        ["picture", *NAMES], ["a.png", 40275, 17], ["b.png", 50913, None],
    ]  # fmt: skip
    assert sheet["C3"].comment.text.startswith("is not in the picture")
    assert sheet["B4"].comment.text.startswith("expected a whole PNG")
    page.locator("#form-rows .doubtful input").press("Enter")
    expect(page.locator("#forms-state")).to_have_text("3 pictures, 0 cells to check, 1 not read")
    page.reload()  # which loses nothing
    page.click("#kept button:has-text('Go on with exam 1.jpg')")
    expect(page.locator("#forms-state")).to_have_text("3 pictures, 0 cells to check, 1 not read")
    expect(page.locator("#form-rows tr").first.locator("input").first).to_have_value("40275")
    page.click("#form summary")
    assert [field.input_value() for field in page.locator("#fields input").all()] == NAMES


def test_a_form_without_details_is_aligned_by_its_corners(open_page):
    """Two fields on blank paper, photographed on its side: a person shows the corners by taps and by keys."""
    page = open_page("#read")
    blank, written = (
        np.full((FORM_SIZE[1], FORM_SIZE[0]), 235, np.uint8),
        np.array(Image.fromarray(filled_form({"points": "17"}))),
    )
    left, top, right, bottom = FORM_FIELDS["points"]
    photo = blank.copy()
    photo[top:bottom, left:right] = written[top:bottom, left:right]
    photo = np.rot90(np.pad(photo, 120, constant_values=60))
    open_form(page, file_of(Image.fromarray(blank)))
    drag(page, FORM_FIELDS["points"], FORM_SIZE)
    page.locator("#fields input").last.fill("points")
    choose(page, file_of(Image.fromarray(np.ascontiguousarray(photo))), "photo.png", "#filled")
    expect(page.locator("#forms-state")).to_have_text("1 picture, 0 cells to check, 1 not read")
    page.click("#form-rows button:has-text('Show its corners')")
    picture = page.locator("#corner-picture")
    assert not barriers(page)
    page.click("#turn-corners")  # the upper left corner of the sheet is at the lower left
    page.click("#turn-corners")
    page.click("#turn-corners")
    width, height = photo.shape[::-1]
    seen = picture.bounding_box()
    for x, y in ((120, 120), (width - 120, 120), (width - 120, height - 120), (120, height - 120)):
        at = seen["x"] + x * seen["width"] / width, seen["y"] + y * seen["height"] / height
        page.mouse.move(at[0] - 12, at[1] + 9)
        page.mouse.down()
        page.mouse.move(*at, steps=3)
        page.mouse.up()
    first = page.locator(".corner").first
    label = first.get_attribute("aria-label")
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(first).to_have_attribute("aria-label", label)
    page.click("#corners button.primary")
    expect(page.locator("#form-rows input")).to_have_value("17")
    expect(page.locator("#forms-state")).to_have_text("1 picture, 0 cells to check")


def test_an_answer_key_marks_what_was_filled_in_also_after_a_correction(open_page, filled, tmp_path):
    page = open_page("#read")
    open_form(page, file_of(Image.fromarray(filled_form({}))))
    for name in NAMES:
        drag(page, FORM_FIELDS[name], FORM_SIZE)
        page.locator("#fields input").last.fill(name)
    page.set_input_files("#key", {"name": "key.csv", "mimeType": "", "buffer": b"field,answer\npoints,15..17\n"})
    expect(page.locator("#key-name")).to_have_text("key.csv")
    choose(page, filled["a.png"], "a.png", "#filled")
    expect(page.locator("#form-rows td")).to_have_text(["", "", "1", ""])
    field = page.locator("#form-rows input").last
    field.fill("12")
    field.press("Enter")
    expect(page.locator("#form-rows td")).to_have_text(["", "", "0", "points"])
    rows = [*csv.reader(download(page, "#forms-csv", tmp_path).read_text().splitlines())]
    assert rows == [["path", *NAMES, "total", "wrong", "to check"], ["a.png", "40275", "12", "0", "points", ""]]
    sheet = openpyxl.load_workbook(download(page, "#forms-xlsx", tmp_path))["forms"]
    assert [cell.value for cell in sheet[2]] == ["a.png", 40275, 12, 0, "points"]


def test_fields_without_a_mouse(open_page, tmp_path):
    page = open_page("#read", accept_downloads=True)
    open_form(page, file_of(Image.fromarray(filled_form({}))))
    page.locator("#add-field").press("Enter")
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.keyboard.type('the "mark"')
    page.locator("#add-field").press("Enter")
    page.locator("#add-field").press("Enter")
    expect(page.locator("#fields li")).to_have_count(3)
    page.keyboard.press("Delete")
    expect(page.locator("#fields li")).to_have_count(2)
    for wrong, message in (("", "Each field needs a name."), ('the "mark"', "Two fields are called")):
        page.locator("#fields input").last.fill(wrong)
        page.click("#save-form")
        expect(page.locator("#toast")).to_contain_text(message)
        expect(page.locator("#fields input").last).to_be_focused()
    page.locator("#fields input").last.fill("b")
    fields = tomllib.loads(download(page, "#save-form", tmp_path).read_text())["fields"]
    assert fields == {'the "mark"': [354, 570, 540, 624], "b": [354, 651, 540, 705]}


def test_a_form_on_the_second_page_and_a_row_for_each_filled_page(open_page, tmp_path):
    cover, blank = Image.new("L", FORM_SIZE, 242), Image.fromarray(filled_form({}))
    filled = blank.copy()
    ImageDraw.Draw(filled).text((420, 574), "17", 30, ImageFont.load_default(44))  # where the field is added
    form, pages = io.BytesIO(), io.BytesIO()
    cover.save(form, "TIFF", save_all=True, append_images=[blank])
    cover.save(pages, "PDF", save_all=True, append_images=[filled], resolution=150)
    page = open_page("#read", accept_downloads=True)
    choose(page, form.getvalue(), "exam.tif")
    page.click("#next-page")
    expect(page.locator("#page-number")).to_have_text("Page 2 of 2")
    page.click("#form summary")
    page.click("#add-field")
    page.click("#previous-page")
    expect(page.locator("#fields li")).to_have_count(0)
    page.click("#next-page")
    expect(page.locator("#fields input")).to_have_value("field_1")
    assert tomllib.loads(download(page, "#save-form", tmp_path).read_text())["picture"] == "exam.tif#page=2"
    choose(page, pages.getvalue(), "filled.pdf", into="#filled")
    expect(page.locator("#forms-state")).to_have_text("2 pictures, 0 cells to check, 1 not read")
    expect(page.locator("#form-rows th")).to_have_text(["filled.pdf#page=1", "filled.pdf#page=2"])
    expect(page.locator("#form-rows tr").first).to_contain_text("the picture does not look like this form")
    expect(page.locator("#form-rows input")).to_have_value("17")
