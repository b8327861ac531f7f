"""The members of a .keras file: a zip of the metadata, the configuration and an HDF5 file with the weights.

weights_of(path)            # checked; what is in the HDF5 file is not
read_metadata(path)
"""

import json
import zipfile
from pathlib import Path
from typing import Any

from tendigits.archive import check_zip
from tendigits.model.hdf5 import MAX_BYTES
from tendigits.untrusted import open_file

METADATA = "metadata.json"
MEMBERS = {METADATA, "config.json", "model.weights.h5"}


def weights_of(path: Path) -> bytes:
    """The HDF5 file in a .keras file, after a check of its other members.

    Raises:
        Exception: of a dozen classes; it is damaged, too large or has other members.
    """
    with open_file(path, MAX_BYTES) as file:
        if set(names := check_zip(file, MAX_BYTES)) != MEMBERS:
            raise ValueError(f"expected {sorted(MEMBERS)}, it holds {sorted(names)[:5]}")
        with zipfile.ZipFile(file) as archive:
            for name in (METADATA, "config.json"):  # reading compares the checksum
                json.loads(archive.read(name))
            return archive.read("model.weights.h5")


def read_metadata(path: Path) -> dict[str, Any]:
    """The metadata of a `.keras` file: Keras' version, the date and what `add_metadata` added."""
    with zipfile.ZipFile(path) as archive:
        return dict(json.loads(archive.read(METADATA)))


def add_metadata(path: Path, facts: dict[str, Any]) -> None:
    """Add facts to the metadata of a `.keras` file, which Keras does not read.

    A member of their own would cost: where Keras 3.15.1 finds a fourth member, it extracts the whole file into a
    temporary folder each time that it loads it.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[METADATA] = json.dumps(json.loads(members[METADATA]) | facts).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
