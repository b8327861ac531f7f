"""A run's network as one ONNX file with its calibration and its layers, as a server reads with it.

data = run_network(Path("runs/first"))          # in a process of its own: it loads Keras
"""

from pathlib import Path

from tendigits.digits.layers import with_layers
from tendigits.errors import RunError
from tendigits.extras import require
from tendigits.runs.run import open_run


def run_network(path: Path) -> bytes:
    """Convert a finished run's network; its digits are not needed.

    Raises:
        RunError: it is not finished, or no run.
        ModelFileError: its model is damaged.
        UserError: a layer can't be converted, or the packages for it are missing.
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
