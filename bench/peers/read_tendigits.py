"""Our reader, in this environment; see read_common.py for the command.

A line that it splits in two, or in which it finds a non-digit (`?`), is wrong.
"""

from read_common import run


def load(given):
    """The package's network."""
    from tendigits.read.reader import Reader

    reader = Reader()

    def values(path):
        return [line.value.replace(" ", "") for line in reader.read(path).lines]

    readers = {
        "digit": lambda path: str(reader.digit(path).label),
        "line": lambda path: "\n".join(values(path)),
        "page": values,
    }
    return readers[given.kind]


run("tendigits", load, "onnxruntime", "opencv-python-headless", "pillow", "numpy")
