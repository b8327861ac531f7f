"""Tesseract, in this process through tesserocr; see read_common.py for the command.

It gets the list of possible characters. The command `tesseract` would start a process and load its model for each
image. Its language data are Debian's (tesseract-ocr); the command says where they are.
"""

import re
import subprocess

from read_common import Found, of_kind, run

MODES = {"digit": 10, "line": 7, "page": 6, "grid": 11, "nothing": 6}
"""--psm: a single character, a single line, a uniform block of text, text that stands anywhere."""

WORD = "5"
"""The level of a word in its table."""


def load(given):
    """English, with a list of the allowed characters."""
    import tesserocr

    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True)
    folder = re.search('"(.+)"', listed.stdout + listed.stderr).group(1)
    api = tesserocr.PyTessBaseAPI(path=folder, lang="eng", psm=MODES[given.kind])
    api.SetVariable("tessedit_char_whitelist", given.keep)

    def read(path):
        api.SetImageFile(path)
        found = []
        for line in api.GetTSVText(0).splitlines():
            level, *_, left, top, width, height, confidence, text = line.split("\t")
            if level == WORD:
                x, y = float(left), float(top)
                found.append(Found(x, y, x + float(width), y + float(height), text, float(confidence) / 100))
        return of_kind(given.kind, found, given.keep)

    return read


def engine():
    """The version of Tesseract itself, which comes with tesserocr."""
    import tesserocr

    return {"tesseract": tesserocr.tesseract_version().split()[1]}


run("tesseract", load, "tesserocr", more=engine)
