"""img2table with RapidOCR (PP-OCRv6 small, in its wheel); see read_common.py for the command.

All that helps is on: it levels the picture, looks for tables without lines, and for rows and columns without lines in
those that have some. Where it finds several tables, the one with the most cells is taken.
"""

from read_common import run, value_of


def load(given):
    """Its detection of tables, with RapidOCR set as in our comparison: no check for upside-down text."""
    from img2table.document import Image
    from img2table.ocr import RapidOCR

    ocr = RapidOCR(params={"Global.log_level": "critical", "Global.use_cls": False})

    def read(path):
        tables = Image(path, detect_rotation=True).extract_tables(
            ocr=ocr, implicit_rows=True, implicit_columns=True, borderless_tables=True
        )
        contents = [[*table.content.values()] for table in tables]
        return once(max(contents, key=lambda rows: sum(map(len, rows)), default=[]), given.keep)

    return read


def once(rows, keep):
    """The values of its cells; one that spans several places stands in each of them, and counts in the first."""
    seen = set()
    values = []
    for row in rows:
        values.append([])
        for cell in row:
            place = cell.bbox.x1, cell.bbox.y1, cell.bbox.x2, cell.bbox.y2
            values[-1].append("" if place in seen else value_of(cell.value or "", keep))
            seen.add(place)
    return values


run("img2table", load, "img2table", "rapidocr", "onnxruntime", "opencv-contrib-python", "numpy")
