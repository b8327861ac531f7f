"""Our reader, in this environment; see read_common.py for the command.

Nothing that it finds is left out: a number with no character that is asked for counts as one, too.
"""

from read_common import kept, run


def load(given):
    """The package's networks."""
    from tendigits.read.reader import Reader

    reader = Reader()
    kind = given.read_as or given.kind

    def digit(path):
        read = reader.digit(path)
        return [(str(read.label), read.confidence, read.accepted)]

    def numbers(path):
        page = reader.read(path)
        lines = page.numbers
        if kind == "line":
            lines = sorted(lines, key=lambda line: line.box.left)
        values = [line.value if given.kind == "nothing" else kept(line.value, given.keep) for line in lines]
        return [(value, line.confidence, line.accepted) for value, line in zip(values, lines, strict=True)]

    return digit if kind == "digit" else numbers


run("tendigits", load, "onnxruntime", "opencv-python-headless", "pillow", "numpy")
