"""Make the README's pictures from real runs: what the terminal shows, the curves, and a photo that is read.

    make pictures                            # all of them
    python docs/pictures.py training         # some

The commands run in a terminal in memory, so the pictures are what a person sees, colours included.
"""

import argparse
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pypdfium2
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.text import Text

from gallery import FIELDS, empty_form
from tendigits.data.mnist import load_data
from tendigits.read.reader import Reader

DOCS = Path(__file__).parent
COLUMNS, WIDE, ROWS = 92, 106, 60
PHOTO, TABLE = 4, 5
"""Seeds of the photo, and of the photo of a table."""
COLOURS = 256
"""Of a picture with few: half of the bytes."""
SHEET = 3
"""Seed of the filled sheet."""
FORM = 1
"""Seed of the filled forms."""
FILLED = {
    "IMG_0412.jpg": {"student": "40275", "points": "37", "tasks": "8"},
    "IMG_0413.jpg": {"student": "51936", "points": "42", "tasks": "10"},
}
"""What stands in photos of filled forms."""
THREE = [(0.3, 0.25), (0.42, 0.15), (0.6, 0.17), (0.66, 0.3), (0.58, 0.42), (0.44, 0.47), (0.6, 0.52), (0.69, 0.65),
         (0.62, 0.8), (0.45, 0.85), (0.29, 0.76)]  # fmt: skip
"""Where a pen goes, in fractions of the pad."""


PAUSE = 300
"""Milliseconds after which a drawing is being read, or has been: the page waits for 120 of them."""


STARTING = 180_000
"""Milliseconds in which a network learns for an epoch."""
PLAY_PACE = 1500
"""Milliseconds between two pictures of the playground where nothing is to move, and some more."""


def main() -> None:
    """Make the pictures of the named parts, or of all, in docs/."""
    parts = {
        "training": show_training, "reading": show_reading, "table": show_table, "page": show_page, "play": show_play,
        "form": show_form, "sheet": show_sheet, "exported": show_exported, "pad": show_pad,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(parts)}; all without one.")
    chosen = parser.parse_args().parts or [*parts]
    with tempfile.TemporaryDirectory() as folder:
        take_photo(Path(folder) / "photo.jpg")
        photograph_table(Path(folder) / "marks.jpg")
        for name in chosen:
            parts[name](Path(folder))


def show_sheet(folder: Path) -> None:
    """made_sheet.jpg: a sheet of `tendigits sheet`, a photo of it, filled in, and its spreadsheet, by LibreOffice."""
    sys.path += [str(DOCS.parent / folder) for folder in ("bench", "reader", "tests")]
    from made_sheets import COLUMNS as SHEET_COLUMNS
    from made_sheets import PX_PER_MM, draw_values, fill, photograph
    from measuring.lines import Digits
    from tendigits.read.sheet import parse_sheet

    rng, (_, (pictures, labels)) = np.random.default_rng(SHEET), load_data()
    sheet, hand = parse_sheet(SHEET_COLUMNS, 20, "Test 3"), Digits([*pictures], labels.tolist())
    blank = (255 * (1 - fill(sheet, [], hand, rng))).astype(np.uint8)
    photo = photograph(fill(sheet, draw_values(rng)[:17], hand, rng), rng, 300 * PX_PER_MM)
    Reader().read(photo).table().to_xlsx(folder / "made.xlsx")
    convert = ["soffice", f"-env:UserInstallation=file://{folder}/home", "--headless", "--convert-to", "pdf"]
    subprocess.run([*convert, "--outdir", folder, folder / "made.xlsx"], check=True, capture_output=True)
    printed = pypdfium2.PdfDocument(folder / "made.pdf")[0].render(scale=3, rev_byteorder=True).to_numpy()
    rows, columns = (np.flatnonzero((printed < 250).any((axis, 2))) for axis in (1, 0))
    cut = printed[max(rows[0] - 20, 0) : rows[-1] + 20, max(columns[0] - 20, 0) : columns[-1] + 20]
    tiles = [Image.fromarray(each).convert("RGB") for each in (blank, photo)]
    tiles = [tile.resize((round(900 / tile.height * tile.width), 900)) for tile in tiles]
    tiles.append(ImageOps.pad(Image.fromarray(cut), (800, 900), color="white"))
    Image.fromarray(np.hstack([np.asarray(tile) for tile in tiles])).save(DOCS / "made_sheet.jpg", quality=70)


def show_training(folder: Path) -> None:
    """terminal.svg and curves.png: the README's first run."""
    command = ["tendigits", "train", "--name", "first"]
    screen = run_in_terminal(command, folder)
    (DOCS / "terminal.svg").write_text(draw(command, screen))
    shutil.copy(folder / "runs" / "first" / "curves.png", DOCS / "curves.png")


def show_reading(folder: Path) -> None:
    """read.svg and read.jpg: what is read in a photo."""
    command = ["tendigits", "read", "photo.jpg", "--show", "read.png"]
    (DOCS / "read.svg").write_text(draw(command, run_in_terminal(command, folder)))
    with Image.open(folder / "read.png") as picture:
        picture.save(DOCS / "read.jpg", quality=80)


def show_table(folder: Path) -> None:
    """table.jpg and table.svg: a photo of a table, and what becomes of it; stages.jpg: how it is read."""
    with Image.open(folder / "marks.jpg") as picture:
        picture.thumbnail((900, 900))
        picture.save(DOCS / "table.jpg", quality=80)
    stages = Reader().read(folder / "marks.jpg", debug=True).debug()
    stages.thumbnail((1600, 1600))
    stages.save(DOCS / "stages.jpg", quality=75)
    command = ["tendigits", "read", "marks.jpg", "--table", "marks.xlsx"]
    (DOCS / "table.svg").write_text(draw(command, run_in_terminal(command, folder, WIDE), WIDE))


@contextmanager
def served(folder: Path) -> Iterator[tuple[Browser, str]]:
    """Chromium, and the address of the page."""
    server = subprocess.Popen(
        [Path(sys.executable).with_name("tendigits"), "serve", "--port", "0", "--store", "a.db"],
        cwd=folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    announced = server.stdout.readline() if server.stdout else ""
    address = announced.split(" at ")[1].split()[0]
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            yield browser, address
            browser.close()
    finally:
        server.terminate()
        server.wait()


def show_page(folder: Path) -> None:
    """The page: a 3 that is drawn, the photo that is read, and a phone."""
    with served(folder) as (browser, address):
        page = browser.new_page(viewport={"width": 1100, "height": 860}, reduced_motion="reduce")
        page.goto(address)
        draw_three(page)
        photograph(page, "page_draw.png")
        page.goto(f"{address}/#read")
        page.set_input_files("#file", folder / "photo.jpg")
        page.locator("#numbers tbody tr").first.wait_for()
        photograph(page, "page_read.png", full_page=True)
        page.set_input_files("#file", folder / "marks.jpg")
        page.locator("#grid td").first.wait_for()
        page.locator("#grid td[tabindex='0']").focus()
        photograph(page, "page_table.png", full_page=True)
        phone = browser.new_page(
            viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True,
            color_scheme="dark", reduced_motion="reduce",
        )  # fmt: skip
        phone.goto(address)
        draw_three(phone)
        photograph(phone, "page_phone.png")


def show_play(folder: Path) -> None:
    """The page Play: two networks after four epochs, with a 3 that goes through both."""
    with served(folder) as (browser, address):
        page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        page.goto(f"{address}/#play?hidden=64,64/hidden=8")
        for epoch in range(1, 5):
            page.click("#play-epoch")
            for name in "ab":
                page.locator(f"#figures-{name} td >> nth=1", has_text=f"{epoch}.00").wait_for(timeout=STARTING)
            page.locator("#play-status", has_text="Paused.").wait_for()
        draw_three(page, "play-pad", "play-bars-a")
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(PLAY_PACE)
        photograph(page, "page_play.png")


def show_form(folder: Path) -> None:
    """The page with a form: its fields are marked with the mouse, and two filled ones are read."""
    form = empty_form()
    form.save(folder / "exam.png")
    for name, values in FILLED.items():
        photograph_form(form, values, folder / name)
    with served(folder) as (browser, address):
        page = browser.new_page(viewport={"width": 1100, "height": 860}, reduced_motion="reduce")
        page.goto(f"{address}/#read")
        page.set_input_files("#file", folder / "exam.png")
        page.click("#form summary")
        marks = page.locator("#marks").bounding_box()
        if marks is None:
            raise SystemExit("the form is not shown")
        scale = marks["width"] / form.width
        for left, top, right, bottom in FIELDS.values():
            page.mouse.move(marks["x"] + scale * left, marks["y"] + scale * top)
            page.mouse.down()
            page.mouse.move(marks["x"] + scale * right, marks["y"] + scale * bottom, steps=5)
            page.mouse.up()
        for name, field in zip(FIELDS, page.locator("#fields input").all(), strict=True):
            field.fill(name)
        page.set_input_files("#filled", [folder / name for name in FILLED])
        page.locator("#forms-state", has_text="to check").wait_for()
        with Image.open(BytesIO(page.screenshot(full_page=True))) as picture:
            picture.quantize(COLOURS).save(DOCS / "page_form.png", optimize=True)


def photograph_form(form: Image.Image, values: dict[str, str], path: Path) -> None:
    """A form filled with MNIST's test digits, on a dark desk and aslant."""
    _, (x_test, y_test) = load_data()
    page, rng = np.array(form), np.random.default_rng(FORM)
    for name, value in values.items():
        left, top, _, _ = FIELDS[name]
        for i, label in enumerate(value):
            digit = 255 - x_test[rng.choice(np.flatnonzero(y_test == int(label)))]
            place = page[top + 6 : top + 62, left + 20 + 44 * i : left + 76 + 44 * i]
            np.minimum(place, cv2.resize(digit, (56, 56), interpolation=cv2.INTER_CUBIC), out=place)
    (height, width), edge = page.shape, 120
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = corners + edge + rng.uniform(-60, 60, (4, 2)).astype(np.float32)
    size = width + 2 * edge, height + 2 * edge
    picture = cv2.warpPerspective(page, cv2.getPerspectiveTransform(corners, seen), size, borderValue=70)
    Image.fromarray(picture).save(path, quality=92)


def show_exported(folder: Path) -> None:
    """The exported page, opened as a file."""
    command = ["export", "reader", "--to", "web", "--out", "page"]
    subprocess.run([Path(sys.executable).with_name("tendigits"), *command], cwd=folder, check=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 760}, reduced_motion="reduce")
        page.goto((folder / "page" / "index.html").as_uri())
        page.locator("html[data-ready]").wait_for()
        draw_three(page)
        photograph(page, "page_exported.png")
        browser.close()


def show_pad(folder: Path) -> None:
    """A notebook's cell with the pad, in a JupyterLab that has only default settings."""
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    cell = nbformat.v4.new_code_cell("import tendigits\n\npad = tendigits.Pad()\npad")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), folder / "pad.ipynb")
    places = {f"JUPYTER_{name}_DIR": str(folder / "jupyter" / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    lab = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--ServerApp.port=0"],
        cwd=folder, env=os.environ | places, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        addresses = (re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", line) for line in lab.stderr or ())
        address = next(found[0] for found in addresses if found).replace("/lab?", "/doc/tree/pad.ipynb?")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1000, "height": 1100}, reduced_motion="reduce")
            page.goto(address)
            page.locator("#jp-main-statusbar", has_text="| Idle").wait_for()
            page.locator(".jp-Cell").click()
            page.keyboard.press("Shift+Enter")
            page.locator("#pad").wait_for()
            draw_three(page)
            page.wait_for_timeout(PAUSE)
            page.locator("#layers").hover()
            page.locator(".jp-Cell").first.screenshot(path=DOCS / "page_pad.png")
            browser.close()
    finally:
        lab.terminate()
        lab.communicate()


def draw_three(page: Page, name: str = "pad", bars: str = "bars") -> None:
    """With the mouse, on a pad, until it has been read."""
    pad = page.locator(f"#{name}").bounding_box()
    if pad is None:
        raise SystemExit("the pad is not shown")
    page.mouse.move(pad["x"] + THREE[0][0] * pad["width"], pad["y"] + THREE[0][1] * pad["height"])
    page.mouse.down()
    for x, y in THREE[1:]:
        page.mouse.move(pad["x"] + x * pad["width"], pad["y"] + y * pad["height"], steps=5)
    page.mouse.up()
    page.locator(f"#{bars} .best").wait_for()


def photograph(page: Page, name: str, **options: bool) -> None:
    """Write a picture of a page into docs/ when nothing is being read and nothing moves, as a bar does that grows."""
    page.wait_for_timeout(PAUSE)
    page.wait_for_function(
        "() => !document.querySelector('[aria-busy], #reading-bar:not([hidden])') && !document.getAnimations().length"
    )
    page.screenshot(path=DOCS / name, **options)


def take_photo(path: Path) -> None:
    """Eight lines of MNIST's test digits on squared paper, as the benchmark makes them."""
    sys.path.insert(0, str(DOCS.parent / "reader"))
    from measuring.lines import Digits, make_photo

    _, (x_test, y_test) = load_data()
    digits = Digits(list(x_test), y_test.tolist())
    Image.fromarray(make_photo(digits, np.random.default_rng(PHOTO))[0]).save(path, quality=92)


def photograph_table(path: Path) -> None:
    """A table of MNIST's test digits on a desk, as the benchmark makes them: ruled, its last column the sums."""
    from measuring.lines import Digits
    from measuring.tables import make_sheet

    _, (x_test, y_test) = load_data()
    digits, rng = Digits(list(x_test), y_test.tolist()), np.random.default_rng(TABLE)
    sheet = make_sheet(digits, rng, "ruled")
    while not (sheet.photo and sheet.turned == 0 and 5 <= len(sheet.rows[0]) <= 6 and has_sums(sheet.rows)):
        sheet = make_sheet(digits, rng, "ruled")
    Image.fromarray(sheet.picture).save(path, quality=92)


def has_sums(rows: list[list[str]]) -> bool:
    """Whether the last column holds the sums of the others."""
    whole = [[int(value or 0) for value in row] for row in rows if all(value.isdigit() or not value for value in row)]
    return len(whole) == len(rows) > 8 and all(sum(row[:-1]) == row[-1] for row in whole)


def run_in_terminal(command: list[str], folder: Path, columns: int = COLUMNS) -> str:
    """What the command writes to a terminal, with the codes of colours and of the bar that is drawn again and again."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(ROWS)}
    executable = Path(sys.executable).with_name(command[0])
    written = b""
    with subprocess.Popen([executable, *command[1:]], cwd=folder, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        while True:
            try:
                written += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    return written.decode()


def draw(command: list[str], written: str, columns: int = COLUMNS) -> str:
    """What the terminal shows at the end, as SVG, with no request for a font."""
    lines = [""]
    for part in re.split(r"(\n|\x1b\[1A|\x1b\[2K)", re.sub(r"\r|\x1b\[\?25[lh]", "", written)):
        if part == "\n":
            lines.append("")
        elif part == "\x1b[1A":  # up, to draw the bar again
            lines.pop()
        else:
            lines[-1] = "" if part == "\x1b[2K" else lines[-1] + part
    console = Console(record=True, width=columns, file=StringIO())
    console.print(Text.assemble(("$ ", "bold green"), " ".join(command)))
    console.print(Text.from_ansi("\n".join(lines).rstrip()))
    svg = console.export_svg(title=" ".join(command[:2]))
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    main()
