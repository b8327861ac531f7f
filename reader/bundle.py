"""Put a trained network for lines or pages into the package, quantized to 8 bits.

python reader/bundle.py lines           # .reader/lines.npz -> src/tendigits/lines/assets/lines.onnx
python reader/bundle.py finder          # needs .reader/fonts, of fetch_fonts.py
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from tendigits.files import replacing
from tendigits.model.onnx import to_onnx
from tendigits.model.quantize import quantize
from train_lines import write_lines, write_pages
from training import FOLDER, load_weights

ASSETS = Path(__file__).parent.parent / "src" / "tendigits" / "lines" / "assets"

SEED, SAMPLES, BATCH = 12, 64, 4
"""The ranges of activations are taken from so many strips or pages, so many at a time."""


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=("finder", "lines"))
    parser.add_argument("--weights", type=Path, help="Default: those of the last training.")
    given = parser.parse_args()
    import tendigits  # noqa: F401

    # isort: split
    import finder_network
    import line_network

    network: Any = {"finder": finder_network, "lines": line_network}[given.which]
    model = network.build()
    load_weights(model, given.weights or FOLDER / f"{given.which}.npz")
    x, _ = (write_lines if given.which == "lines" else write_pages)(SEED, 0, SAMPLES, True)
    batches = np.split(x.astype(np.float32), SAMPLES // BATCH)
    path = ASSETS / f"{given.which}.onnx"
    with replacing(path) as temporary:
        temporary.write_bytes(quantize(to_onnx(model, {}), batches, ends=False))
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
