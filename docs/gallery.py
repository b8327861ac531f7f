"""Make the pictures of the gallery, run its commands, and write what comes out into gallery.md; and the demo's picture.

    python docs/gallery.py

The pictures are ours: printed forms, filled with MNIST's test digits, which the reader has not learned from.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tendigits.data.mnist import load_data

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "reader"))

from measuring.lines import Digits, corners_of, on_desk  # noqa: E402
from measuring.tables import lay_out, photographed, scanned, write_cell  # noqa: E402

DEMO = DOCS.parent / "src" / "tendigits" / "batch" / "assets" / "marks.jpg"
"""The picture of tendigits demo."""
PICTURES = DOCS / "gallery"
SIZE = 0.6
"""Of the handwriting, in heights of a digit."""
PRINT_HEIGHT = 34
"""Pixels of printed words."""
QUALITY, SHOWN_SIDE = 70, 1200
"""Of the JPEGs, and the maximum of their longer side in pixels."""
BLOCK = "<!-- {}: written by docs/gallery.py -->"
END = "<!-- /{} -->"

Rows = list[list[str]]

MARKS = [
    ["", "Task 1", "Task 2", "Task 3", "Task 4", "Sum"],
    ["Amal", "12", "7", "18", "9", "46"],
    ["Bruno", "15", "10", "20", "8", "53"],
    ["Chen", "9", "6", "11", "3", "29"],
    ["Dana", "14", "9", "17", "10", "50"],
    ["Emre", "8", "", "13", "5", "26"],
    ["Fatou", "13", "8", "19", "7", "47"],
    ["Greta", "11", "10", "16", "6", "43"],
]
METER = [
    ["Date", "Time", "Gas m3", "Power kWh"],
    ["02/03/2026", "7:40", "4183.5", "20316"],
    ["09/03/2026", "7:55", "4201.2", "20379"],
    ["16/03/2026", "8:05", "4219.8", "20447"],
    ["23/03/2026", "7:35", "4236.1", "20502"],
    ["30/03/2026", "7:50", "4250.7", "20568"],
]
FORMS = {
    "forms/IMG_0412.jpg": {"student": "40275", "points": "37", "tasks": "8"},
    "forms/IMG_0413.jpg": {"student": "51936", "points": "42", "tasks": "10"},
    "forms/IMG_0414.jpg": {"student": "38104", "points": "29", "tasks": "7"},
}
SUMS = [["12+7=19", "8+5=13"], ["30+14=44", "9+6=16"], ["25+25=50", "17+4=21"], ["6+38=44", "41+9=50"]]
REGISTERS = [
    [["1", "204", "14/01/26", "12.50"], ["2", "87", "14/01/26", "8.00"], ["3", "311", "15/01/26", "25.40"],
     ["4", "96", "15/01/26", "7.30"], ["5", "158", "16/01/26", "19.90"]],
    [["6", "42", "19/01/26", "14.20"], ["7", "275", "19/01/26", "6.80"], ["8", "133", "20/01/26", "31.00"],
     ["9", "68", "21/01/26", "9.60"], ["10", "390", "21/01/26", "17.70"]],
]  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A job of the gallery."""

    name: str
    command: str
    draw: Callable[[Path, np.random.Generator], None]
    """Writes what the command reads into a folder, and NAME.jpg, which is shown."""
    shown: str = ""
    """The file whose text is what comes out; by default what the command prints."""
    seed: int = 0


def main() -> None:
    """Write docs/gallery/*.jpg, the blocks in docs/gallery.md, and the picture of the demo."""
    PICTURES.mkdir(exist_ok=True)
    text = (DOCS / "gallery.md").read_text()
    for job in JOBS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shown = run(job, folder)
            if (workbook := folder / f"{job.name}.xlsx").exists():
                photograph_sheet(workbook, PICTURES / f"{job.name}_xlsx.png")
            with Image.open(folder / f"{job.name}.jpg") as picture:
                picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
                picture.save(PICTURES / f"{job.name}.jpg", quality=QUALITY, optimize=True)
        begin, end = BLOCK.format(job.name), END.format(job.name)
        block = f"{begin}\n\n```sh\n{job.command}\n```\n\n```text\n{shown}\n```\n\n{end}"
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _, block=block: block, text, flags=re.DOTALL)
    (DOCS / "gallery.md").write_text(text)
    DEMO.parent.mkdir(exist_ok=True)
    shutil.copy(PICTURES / "marks.jpg", DEMO)


def run(job: Job, folder: Path) -> str:
    """Draw what a job reads into a folder, run its command there, and return what comes out."""
    job.draw(folder, np.random.default_rng(job.seed))
    _, *arguments = shlex.split(job.command)
    command = [sys.executable, "-m", "tendigits", *arguments, *(["--quiet"] if arguments[0] == "read" else [])]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return ((folder / job.shown).read_text() if job.shown else done.stdout + done.stderr).rstrip()


def photograph_sheet(workbook: Path, path: Path) -> None:
    """The first sheet of a spreadsheet as LibreOffice prints it, without the margins."""
    command = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", workbook.parent, workbook]
    subprocess.run(command, check=True, capture_output=True)
    page = pypdfium2.PdfDocument(workbook.with_suffix(".pdf"))[0].render(scale=2).to_pil().convert("RGB")
    margin = 12
    left, top, right, bottom = ImageOps.invert(page.convert("L")).getbbox() or (0, 0, *page.size)
    page.crop((left - margin, top - margin, right + margin, bottom + margin)).save(path, optimize=True)


def draw_marks(folder: Path, rng: np.random.Generator) -> None:
    """A printed sheet with names, filled by hand, on a desk."""
    cells = [[printed(text) if i == 0 or j == 0 else written(text, rng) for j, text in enumerate(row)]
             for i, row in enumerate(MARKS)]  # fmt: skip
    save(photographed(lay_out(cells, rng, SIZE, "ruled", ("middle",)), rng, 4.0), folder / "marks.jpg")


def draw_meter(folder: Path, rng: np.random.Generator) -> None:
    """A list of readings, with lines between its rows alone."""
    cells = [[printed(text) if i == 0 else written(text, rng) for text in row] for i, row in enumerate(METER)]
    save(photographed(lay_out(cells, rng, SIZE, "half-ruled", ("left",)), rng, -3.0), folder / "meter.jpg")


def draw_worksheet(folder: Path, rng: np.random.Generator) -> None:
    """Two columns of sums that a pupil has solved."""
    cells = [[written(text, rng) for text in row] for row in SUMS]
    save(photographed(lay_out(cells, rng, SIZE, "unruled", ("left",)), rng, 2.0), folder / "worksheet.jpg")


def draw_register(folder: Path, rng: np.random.Generator) -> None:
    """A scan of two pages."""
    pages = [
        scanned(
            lay_out([[written(text, rng) for text in row] for row in rows], rng, SIZE, "ruled", ("middle",)), rng, 0.5
        )
        for rows in REGISTERS
    ]
    first, *others = map(Image.fromarray, pages)
    first.save(folder / "register.pdf", save_all=True, append_images=others, resolution=150)
    height = max(page.shape[0] for page in pages)
    both = [cv2.copyMakeBorder(page, 0, height - page.shape[0], 6, 6, cv2.BORDER_CONSTANT, value=120) for page in pages]
    save(np.hstack(both), folder / "register.jpg")


def draw_forms(folder: Path, rng: np.random.Generator) -> None:
    """An empty form with its description, three filled ones, and a picture of these."""
    (folder / "forms").mkdir()
    form = empty_form()
    form.save(folder / "exam.png")
    fields = "\n".join(f"{name} = {[*box]}" for name, box in FIELDS.items())
    (folder / "exam.toml").write_text(f'picture = "exam.png"\n\n[fields]\n{fields}\n')
    photos = []
    for name, values in FORMS.items():
        page = np.array(form).astype(np.float32)
        for field, value in values.items():
            left, top, _, bottom = FIELDS[field]
            ink = written(value, rng)
            ink = cv2.resize(ink, None, fx=(scale := (bottom - top - 10) / ink.shape[0]), fy=scale)
            place = page[top + 5 : top + 5 + ink.shape[0], left + 20 : left + 20 + ink.shape[1]]
            place *= 1 - 0.8 * ink
        seen = corners_of(page) + 120 + rng.uniform(-60, 60, (4, 2))
        photo = on_desk(page, seen, (form.width + 240, form.height + 240), 200, rng)
        save(photo, folder / name)
        photos.append(photo)
    save(np.hstack(photos), folder / "forms.jpg")


FIELDS = {"student": (300, 160, 620, 230), "points": (300, 260, 460, 330), "tasks": (300, 360, 460, 430)}
"""Left, top, right and bottom of the form's fields."""


def empty_form() -> Image.Image:
    """A printed form."""
    form = Image.new("L", (900, 500), 250)
    draw = ImageDraw.Draw(form)
    draw.text((60, 40), "Statistics I, examination of 2026", 20, ImageFont.load_default(38))
    draw.text((60, 100), "Please write clearly. This sheet is read by a machine.", 60, ImageFont.load_default(22))
    for name, (left, top, right, bottom) in FIELDS.items():
        draw.text((60, top + 18), name.capitalize(), 20, ImageFont.load_default(30))
        draw.rectangle((left, top, right, bottom), outline=60, width=2)
    draw.line((60, 460, 840, 460), 60, 3)
    return form


def printed(text: str) -> np.ndarray:
    """A printed word, as foreground from 0 to 1."""
    font = ImageFont.load_default(PRINT_HEIGHT)
    picture = Image.new("L", (max(1, int(font.getlength(text)) + 4), PRINT_HEIGHT + 10), 0)
    ImageDraw.Draw(picture).text((2, 0), text, 255, font)
    return np.asarray(picture, np.float32) / 255


def written(text: str, rng: np.random.Generator) -> np.ndarray:
    """A number by hand, as foreground from 0 to 1."""
    _, (x_test, y_test) = load_data()
    return write_cell(Digits([*x_test], y_test.tolist()), rng, text, SIZE)


def save(picture: np.ndarray, path: Path) -> None:
    """Write a JPEG as a camera does."""
    Image.fromarray(picture).save(path, quality=90)


JOBS = [
    Job("marks", "tendigits read marks.jpg --table marks.xlsx --sum last-column", draw_marks, seed=10),
    Job("meter", 'tendigits read meter.jpg --table meter.csv --expect "A: date, B: time, C-D: number"', draw_meter,
        "meter.csv"),
    Job("forms", "tendigits read forms/ --form exam.toml --csv exams.csv", draw_forms, "exams.csv"),
    Job("worksheet", "tendigits read worksheet.jpg", draw_worksheet, seed=1),
    Job("register", 'tendigits read register.pdf --table register.xlsx --expect "C: date, D: decimal(2)"',
        draw_register),
]  # fmt: skip

if __name__ == "__main__":
    main()
