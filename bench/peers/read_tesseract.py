"""Tesseract, digits alone, in this process through tesserocr; see read_common.py for the command.

The command `tesseract` would start a process and load its model for each image. Its language data are Debian's
(tesseract-ocr); the command says where they are.
"""

import re
import subprocess

from read_common import digits, run

MODES = {"digit": 10, "line": 7, "page": 6}
"""--psm: a single character, a single line, a uniform block of text."""


def load(given):
    """English, with a list of the allowed characters."""
    import tesserocr

    said = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True)
    folder = re.search('"(.+)"', said.stdout + said.stderr).group(1)
    api = tesserocr.PyTessBaseAPI(path=folder, lang="eng", psm=MODES[given.kind])
    api.SetVariable("tessedit_char_whitelist", "0123456789")

    def read(path):
        api.SetImageFile(path)
        text = api.GetUTF8Text()
        if given.kind == "page":
            return [line for line in map(digits, text.splitlines()) if line]
        return digits(text)

    return read


def engine():
    """The version of Tesseract itself, which comes with tesserocr."""
    import tesserocr

    return {"tesseract": tesserocr.tesseract_version().split()[1]}


run("tesseract", load, "tesserocr", more=engine)
