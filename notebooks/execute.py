"""Execute a notebook in an empty folder and keep its outputs, without the notes on time and kernel.

python notebooks/execute.py notebooks/first_network.ipynb
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import nbclient
import nbformat


def execute(notebook: Any, folder: Path) -> Any:
    """Run all cells in the new folder `folder`/here and return the notebook with its outputs.

    Args:
        notebook: as nbformat reads it; is left as it is.
        folder: exists; IPython's settings are kept in it, too.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    here = folder / "here"
    here.mkdir()
    done = nbformat.from_dict(notebook)
    client = nbclient.NotebookClient(
        done,
        timeout=900,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(here)}},
    )
    client.execute(env={**os.environ, "IPYTHONDIR": str(folder / "ipython"), "KERAS_HOME": str(folder / "keras")})
    done.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return done


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebook", type=Path)
    arguments = parser.parse_args()
    notebook = nbformat.read(arguments.notebook, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        done = execute(notebook, Path(folder))
    nbformat.write(done, arguments.notebook)


if __name__ == "__main__":
    main()
