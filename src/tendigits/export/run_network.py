"""Convert a run's network for the server: an ONNX file with its calibration and the outputs of its layers.

data = run_network(Path("runs/first"))          # loads Keras: call it in a separate process
"""

from pathlib import Path

from tendigits.digits.layers import with_layers
from tendigits.errors import RunError
from tendigits.extras import require
from tendigits.runs.run import open_run


def run_network(path: Path) -> bytes:
    """Convert a finished run's network, without loading its digits.

    Raises UserError if the run is unfinished or damaged, a layer cannot be converted, or packages are missing.
    """
    require(f"the network of {path.name}", "train")
    record = open_run(path).record()
    if "models" not in record:
        raise RunError(f"{path.name} has no model yet; continue it with: tendigits train --resume {path}")

    from tendigits.model.file import load_calibration, load_model
    from tendigits.model.onnx import to_onnx

    file = path / "model.keras"
    model, calibration = load_model(file, record["models"]["model.keras"]), load_calibration(file)
    about = {"source": path.name}
    if calibration is not None:
        about |= {"temperature": str(calibration.temperature), "threshold": str(calibration.threshold)}
    return with_layers(to_onnx(model, about, "probabilities"))
