"""Put a trained network for lines or pages into the package, its weights as float16.

python reader/bundle.py lines           # .reader/lines.npz -> src/tendigits/lines/assets/lines.onnx
python reader/bundle.py finder
"""

import argparse
from pathlib import Path
from typing import Any

from tendigits.files import replacing
from tendigits.model.onnx import halved, to_onnx
from training import FOLDER, load_weights

ASSETS = Path(__file__).parent.parent / "src" / "tendigits" / "lines" / "assets"


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

    model: Any = {"finder": finder_network, "lines": line_network}[given.which].build()
    load_weights(model, given.weights or FOLDER / f"{given.which}.npz")
    path = ASSETS / f"{given.which}.onnx"
    with replacing(path) as temporary:
        temporary.write_bytes(halved(to_onnx(model, {})))
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
