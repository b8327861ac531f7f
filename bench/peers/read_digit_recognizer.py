"""digit-recognizer-py, a network trained on MNIST, for pictures of one digit; see read_common.py for the command."""

from read_common import run


def load(given):
    """Load the network in its wheel; it inverts dark digits on a light background itself."""
    if given.kind != "digit":
        raise SystemExit(f"Error: digit-recognizer-py reads single digits, not a {given.kind}")
    from digit_recognizer import DigitRecognizer

    recognizer = DigitRecognizer(device="cpu")

    def read(path):
        result = recognizer.predict(path, detailed=True)
        return [(str(result.digit), result.confidence, True)]

    return read


run("digit_recognizer", load, "digit-recognizer-py", "torch", "torchvision", "pillow", "numpy")
