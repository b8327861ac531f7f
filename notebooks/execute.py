"""Execute a notebook in an empty folder and keep its outputs, without times and kernel versions.

python notebooks/execute.py notebooks/first_network.ipynb
"""

import argparse
import io
import os
import tempfile
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import nbclient
import nbformat
from PIL import Image

COLOURS = 32
"""Colours of a picture in the notebook: more would hardly be seen, and the file would be several times as large."""

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

FEWER_DIGITS = """
from tendigits.data import mnist

_load_data = mnist.load_data


def load_data():
    (x_train, y_train), (x_test, y_test) = _load_data()
    return (x_train[:{n}], y_train[:{n}]), (x_test[: {n} // 4], y_test[: {n} // 4])


mnist.load_data = load_data
"""


def execute(notebook: Any, folder: Path, n_digits: int | None = None) -> Any:
    """Run all cells in the new folder `folder`/here and return the notebook with its outputs.

    Args:
        notebook: as nbformat reads it; it is not changed.
        folder: an existing folder, which also takes IPython's settings.
        n_digits: the first training digits of MNIST that are used, and a quarter as many test digits; None uses all.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    here, startup = folder / "here", folder / "ipython" / "profile_default" / "startup"
    here.mkdir()
    startup.mkdir(parents=True)
    if n_digits is not None:
        (startup / "fewer_digits.py").write_text(FEWER_DIGITS.format(n=n_digits))
    done = nbformat.from_dict(notebook)
    client = nbclient.NotebookClient(
        done,
        timeout=900,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(here)}},
    )
    client.execute(env={**os.environ, "IPYTHONDIR": str(folder / "ipython")})
    done.metadata = METADATA
    shrink_pictures(done)
    drop_widgets(done)
    return done


def drop_widgets(notebook: Any) -> None:
    """Leave of a widget what it is as text, in place: without a kernel there is nothing else to show."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def shrink_pictures(notebook: Any) -> None:
    """Reduce the colours of all PNG outputs, in place."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if (png := output.get("data", {}).get("image/png")) is not None:
                picture = Image.open(io.BytesIO(b64decode(png))).convert("RGB")
                smaller = io.BytesIO()
                picture.quantize(COLOURS, dither=Image.Dither.NONE).save(smaller, "PNG", optimize=True)
                output["data"]["image/png"] = b64encode(smaller.getvalue()).decode()


def main() -> None:
    """Execute one notebook and write its outputs into it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebook", type=Path)
    path = parser.parse_args().notebook
    with tempfile.TemporaryDirectory() as folder:
        done = execute(nbformat.read(path, as_version=4), Path(folder))
    nbformat.write(done, path)


if __name__ == "__main__":
    main()
