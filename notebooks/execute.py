"""Execute a notebook in an empty folder and keep its outputs, without the notes on time and kernel.

python notebooks/execute.py notebooks/first_network.ipynb path/to/mnist.npz   # write the outputs into the notebook
python notebooks/execute.py notebooks/first_network.ipynb                     # only try it, with no network
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbclient
import nbformat


def execute(notebook: Any, folder: Path, mnist: Path | None = None) -> Any:
    """Run all cells in the new folder `folder`/here and return the notebook with its outputs.

    Args:
        notebook: as nbformat reads it; is left as it is.
        folder: exists; Keras' folder of data sets and IPython's settings are kept in it, too.
        mnist: the file mnist.npz; None takes the 5,000 digits that need no network.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    here, datasets = folder / "here", folder / "keras" / "datasets"
    here.mkdir()
    datasets.mkdir(parents=True)
    if mnist is not None:
        shutil.copy(mnist, datasets / "mnist.npz")
    # No download in either case: the file is there, or it is not wanted.
    environment = {
        **os.environ,
        "IPYTHONDIR": str(folder / "ipython"),
        "KERAS_HOME": str(folder / "keras"),
        "TENDIGITS_OFFLINE": "1",
    }
    done = nbformat.from_dict(notebook)
    client = nbclient.NotebookClient(
        done,
        timeout=900,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(here)}},
    )
    client.execute(env=environment)
    done.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return done


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("mnist", type=Path, nargs="?", help="mnist.npz; without it nothing is written")
    arguments = parser.parse_args()
    notebook = nbformat.read(arguments.notebook, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        done = execute(notebook, Path(folder), arguments.mnist)
    if arguments.mnist is not None:
        nbformat.write(done, arguments.notebook)


if __name__ == "__main__":
    main()
