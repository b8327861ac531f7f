"""Put a trained network for lines or pages into the package, quantized to 8 bits.

python reader/bundle.py numbers           # reader/numbers_*.npz -> src/tendigits/numbers/assets/numbers.onnx
python reader/bundle.py finder          # needs .reader/fonts, of fetch_fonts.py
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from tendigits.files import replacing
from tendigits.model.onnx import to_onnx
from tendigits.model.quantize import quantize
from train_numbers import write_lines, write_pages
from training import load_weights

ASSETS = Path(__file__).parent.parent / "src" / "tendigits" / "numbers" / "assets"

CREDIT = Path(__file__).with_name("CREDIT")
"""Whose writing the networks for numbers have learned from."""

SEED, SAMPLES, BATCH = 12, 64, 4
"""The ranges of activations are measured on this number of strips and pages, in batches."""


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=("finder", "numbers"))
    given = parser.parse_args()
    import tendigits  # noqa: F401

    # isort: split
    about = {"credit": CREDIT.read_text()}
    if given.which == "finder":
        from finder_network import build as build_finder

        model, about = with_weights(build_finder(), "finder"), {}
        x, _ = write_pages(SEED, 0, SAMPLES, True)
    else:
        model = number_ensemble()
        x, _ = write_lines(SEED, 0, SAMPLES, True)
    batches = np.split(x.astype(np.float32), SAMPLES // BATCH)
    path = ASSETS / f"{given.which}.onnx"
    with replacing(path) as temporary:
        temporary.write_bytes(quantize(to_onnx(model, about), batches, ends=False))
    print(f"{path}: {path.stat().st_size:,} bytes")


def with_weights(model: Any, name: str) -> Any:
    """A network with the weights of a training."""
    load_weights(model, Path(__file__).parent / f"{name}.npz")
    return model


def number_ensemble() -> Any:
    """The networks that read lines together."""
    from number_network import MEMBERS, build, ensemble

    return ensemble([with_weights(build(), name) for name in MEMBERS])


if __name__ == "__main__":
    main()
