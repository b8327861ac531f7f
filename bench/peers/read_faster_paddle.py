"""PP-OCRv6 by faster-paddle, whose wheel has the small and the tiny models; see read_common.py for the command.

Its image reader takes JPEG and PNG as they are. It has no list of allowed characters.
"""

from pathlib import Path

from read_common import Found, of_kind, run


def load(given):
    """Detection and recognition."""
    from faster_paddle import OcrEngine

    engine = OcrEngine(model_size="tiny" if given.tiny else "small")

    def read(path):
        bounds = engine.ocr(Path(path).read_bytes())["bounds"].values()
        found = [
            Found(*piece["topLeftCoord"], *piece["bottomRightCoord"], piece["text"], piece["confidence"])
            for piece in bounds
        ]
        return of_kind(given.kind, found, given.keep)

    return read


run("faster_paddle", load, "faster-paddle")
