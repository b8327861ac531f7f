"""The names of the readers and sets of bench/reading.py in tables and pictures."""

OURS = "tendigits"

NAMES = {
    "tendigits": "**tendigits**",
    "tendigits_page": "**tendigits**, not told that it is one digit",
    "tendigits_digit": "**tendigits**, told that it is one digit",
    "rapidocr": "RapidOCR, PP-OCRv6 small",
    "rapidocr_alone": "RapidOCR, PP-OCRv6 small, no detection",
    "rapidocr_tiny": "RapidOCR, PP-OCRv6 tiny",
    "rapidocr_tiny_alone": "RapidOCR, PP-OCRv6 tiny, no detection",
    "faster_paddle": "faster-paddle, PP-OCRv6 tiny",
    "easyocr": "EasyOCR",
    "easyocr_alone": "EasyOCR, no detection",
    "tesseract": "Tesseract",
    "digit_recognizer": "digit-recognizer-py",
}

PPOCR = {
    "small": ("rapidocr", "rapidocr_alone"),
    "tiny": ("rapidocr_tiny", "rapidocr_tiny_alone", "faster_paddle"),
}
"""The readers with PP-OCRv6, by the size of its models."""

SETS = {
    "exam": "exam: boxes of exam papers, 28x28 pixels",
    "kensanata": "kensanata: scanned forms",
    "stylus": "stylus: pen paths of a tablet",
    "mnist": "MNIST's test digits, 28x28 pixels",
    "lines of MNIST": "Lines of 3 to 8 of MNIST's test digits",
    "lines of scans": "Lines of 3 to 8 of the scans' digits",
    "signed lines of MNIST": "Lines with signs, MNIST's test digits",
    "signed lines of scans": "Lines with signs, the scans' digits",
    "pages": "Pages of ten lines",
    "touching pages": "Pages of ten lines, one pair of digits in five touching",
    "photos": "Photos of eight lines on squared paper on a dark desk, aslant and shaded",
    "cheques": "Amounts on cheques",
    "sudoku_times": "Photographed times such as 1:24:05",
    "sudoku_photo": "Numbers in photographed 9x9 grids",
    "cells_gradesheet": "Cells of mark sheets",
    "marks": "Check marks, boxes, question marks",
    "words": "Words in joined handwriting",
    "signatures": "Signatures",
    "letters": "Letters of other fonts",
    "scribbles": "Scribbles of another generator",
    "timed line": "a line with signs",
    "timed page": "a page of ten lines",
    "timed photo": "a JPEG of 12 megapixels, nine lines",
}
