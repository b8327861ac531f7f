"""Look through an HDF5 file before Keras opens it, in a process of its own.

    check_hdf5(path.read_bytes())

One wrong byte can send the HDF5 library into a loop that not even Ctrl-C ends, or take the process down, and a few
hundred bytes can ask for more memory than there is. So a child reads all that Keras would read, under a limit of time
and memory, and only what it read to the end is opened here. The child is

    python -m tendigits.model.hdf5 < model.h5
"""

import io
import math
import subprocess
import sys
from contextlib import suppress

import h5py

MAX_BYTES = 512 * 2**20
"""The most that the arrays may take in memory; the classic network has 8 MB with its optimizer."""
_MAX_OBJECTS = 10_000
_MEMORY = 6 * MAX_BYTES  # the file, a copy of its largest array, Python and NumPy, with room to spare
_SECONDS = 30.0  # 512 MB take a second or two; on a very busy machine ten times that


def check_hdf5(data: bytes) -> None:
    """Refuse a file that is damaged, too large in memory, or refers to something outside of it. Raises ValueError."""
    command = [sys.executable, "-P", "-m", __name__]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ValueError(f"the HDF5 library did not come to its end in {_SECONDS:.0f} s") from None
    if done.returncode < 0:
        raise ValueError(f"the HDF5 library broke down on it, by signal {-done.returncode}")
    if done.returncode > 0:
        raise ValueError((done.stderr.decode(errors="replace").splitlines() or ["the HDF5 library gave up"])[-1][:300])


def look_through(data: bytes) -> None:
    """Read every array and attribute, after refusing links, data kept elsewhere, and what would fill the memory.

    Raises:
        Exception: of nearly any class; on damaged bytes it may also never return.
    """
    with h5py.File(io.BytesIO(data), "r") as root:
        groups, seen, size = [root], 0, 0
        for group in groups:  # it grows on the way
            for name in group:
                seen += 1
                if seen > _MAX_OBJECTS:
                    raise ValueError(f"it holds more than {_MAX_OBJECTS} objects")
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"{group.name}/{name} is a link, which no model needs")
                item = group[name]
                if isinstance(item, h5py.Group):
                    groups.append(item)
                    continue
                size = _sum(size, item)
                item[()]
        for group in groups:
            for key in group.attrs:
                value = group.attrs[key]
                if key.startswith("weight_names"):  # Keras reads the array of each name, also of one given twice
                    named = 0
                    for name in value:
                        named = _sum(named, group[name])


def _sum(size: int, item: h5py.Dataset) -> int:
    """`size` and the bytes that the array takes in memory. Raises ValueError where it is none, or over the cap."""
    if not isinstance(item, h5py.Dataset) or item.dtype.hasobject:
        raise ValueError(f"{item.name} is no array of numbers")
    if item.is_virtual or item.external:
        raise ValueError(f"{item.name} keeps its data in another file")
    size += math.prod(item.shape) * item.dtype.itemsize  # not nbytes: that overflows
    if size > MAX_BYTES:
        raise ValueError(f"{item.name} of shape {item.shape} makes it over {MAX_BYTES >> 20} MB")
    return size


def _limit() -> None:
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limits, macOS keeps not all of them
        import resource

        seconds = int(_SECONDS)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))  # also where the parent is killed meanwhile
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def main() -> None:
    """The child: exits with 0, or with 1 and the reason as the last line of stderr."""
    _limit()
    try:
        look_through(sys.stdin.buffer.read())
    except Exception as error:  # h5py raises a dozen classes on damaged bytes
        sys.exit(" ".join(f"{error or type(error).__name__}".split()))


if __name__ == "__main__":
    main()
