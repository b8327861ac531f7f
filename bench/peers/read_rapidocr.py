"""RapidOCR with PP-OCRv6, whose models are in its wheel; see read_common.py for the command.

It has no list of allowed characters. It must always answer here, however low its score, and does not check for
upside-down text: that costs time, and turns a 6 into a 9.
"""

from read_common import digits, of_kind, run


def load(given):
    """Detection and recognition, or recognition alone."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical", "Global.text_score": 0.0, "Global.use_cls": False})

    def recognise(path):
        return digits("".join(engine(path, use_det=False).txts or ()))

    def read(path):
        result = engine(path)
        boxes, texts = (result.boxes, result.txts) if result.txts else ((), ())
        corners = [(*box.min(axis=0), *box.max(axis=0)) for box in boxes]
        found = [(*corner, text) for corner, text in zip(corners, texts, strict=True)]
        return of_kind(given.kind, found)

    return recognise if given.no_detection else read


run("rapidocr", load, "rapidocr", "onnxruntime", "opencv-python-headless", "numpy")
