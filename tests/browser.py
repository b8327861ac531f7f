"""What the tests in a browser share."""

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
