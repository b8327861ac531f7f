"""Put a trained network for lines or pages into the package, its weights as float16.

python reader/bundle.py lines           # .reader/lines.npz -> src/tendigits/lines/assets/lines.onnx
python reader/bundle.py finder
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tendigits.files import replacing
from tendigits.model.onnx import to_onnx
from training import FOLDER, load_weights

ASSETS = Path(__file__).parent.parent / "src" / "tendigits" / "lines" / "assets"


def halved(data: bytes) -> bytes:
    """The same ONNX file with its weights as float16; they are widened when the file is opened."""
    file = onnx.load_from_string(data)
    casts = []
    for constant in file.graph.initializer:
        value = numpy_helper.to_array(constant)
        if value.dtype == np.float32:
            name = constant.name
            constant.CopyFrom(numpy_helper.from_array(value.astype(np.float16), f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *file.graph.node]
    del file.graph.node[:]
    file.graph.node.extend(nodes)
    onnx.checker.check_model(file, full_check=True)
    return bytes(file.SerializeToString())


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
