"""What the tests in a browser share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}

EMPTY = "Draw a digit or a number."
"""What the pad's prediction says when nothing is drawn."""

WIDTH = "document.documentElement.scrollWidth"
"""The width of the whole document, in pixels, as JavaScript."""


def choose(page: Page, data: bytes, name: str = "numbers.png", into: str = "#file") -> None:
    """Choose a file."""
    page.set_input_files(into, {"name": name, "mimeType": "", "buffer": data})


def download(page: Page, button: str, folder: Path) -> Path:
    """Click, and save the file in a folder, under the name that the page gives it."""
    with page.expect_download() as started:
        page.click(button)
    started.value.save_as(folder / started.value.suggested_filename)
    return folder / started.value.suggested_filename


def barriers(page: Page, options: Any = None) -> list[tuple[str, str]]:
    """What axe finds serious for people with a screen reader, a keyboard or weak eyes, in both colour schemes."""
    found = []
    contrast = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # the only rule that depends on the scheme
    for scheme, rules in (("light", options), ("dark", contrast | (options or {}))):
        page.emulate_media(color_scheme=scheme)
        found += [
            (violation["id"], violation["nodes"][0]["html"][:120])
            for violation in Axe().run(page, options=rules).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
    return found


def draw(page: Any, points: list[tuple[float, float]], release: bool = True, pad: str = "#pad") -> None:
    """Draw on a page's pad with the mouse, in fractions of the pad."""
    page.locator(pad).scroll_into_view_if_needed()
    frame = page.locator(pad).bounding_box()
    place = [(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"]) for x, y in points]
    page.mouse.move(*place[0])
    page.mouse.down()
    for point in place[1:]:
        page.mouse.move(*point, steps=2)  # the browser paints each
    if release:
        page.mouse.up()


def touching(page: Any) -> Callable[..., None]:
    """Put fingers on a page, move them and lift them: `touch("touchStart", (x, y), ...)`, in pixels of the window."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    return touch


def draw_in_play(page: Any, points: list[tuple[float, float]]) -> None:
    """Draw on the pad of the page Play."""
    page.locator("#play-pad").scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, -120)")  # away from the bar at the top
    draw(page, points, pad="#play-pad")


def opened_up(folder: Path, place: Path) -> str:
    """The address of a copy of an exported page in which a test may use the script's `modules`."""
    for path in folder.iterdir():
        text = path.read_text()
        if path.suffix == ".js":
            text = text.replace("const modules = {};", "const modules = globalThis.modules = {};")
        (place / path.name).write_text(text)
    return (place / "index.html").as_uri()
