import io
import signal
import struct
import subprocess
import sys

import h5py
import numpy as np
import pytest

from tendigits.model import hdf5
from tendigits.model.hdf5 import check_hdf5, look_through


def written(fill) -> bytes:
    """The bytes of an HDF5 file that `fill(root)` wrote."""
    image = io.BytesIO()
    with h5py.File(image, "w") as root:
        fill(root)
    return image.getvalue()


def fill_as_keras_does(root):
    root.attrs["model_config"] = '{"class_name": "Sequential"}'
    group = root.create_group("model_weights/dense")
    group.attrs["weight_names"] = [b"kernel", b"bias"]
    group["kernel"], group["bias"] = np.ones((784, 8), np.float32), np.zeros(8, np.float32)
    root["optimizer/iteration"] = np.int32(3)
    root.create_group("empty").attrs["weight_names"] = []


GOOD = written(fill_as_keras_does)


def test_what_keras_writes_passes_and_the_current_folder_is_no_place_to_import_from(monkeypatch, tmp_path):
    (tmp_path / "h5py.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    check_hdf5(GOOD)


def test_a_truncated_file_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^.{10,300}$"):
        check_hdf5(GOOD[:-1])


def endless() -> bytes:
    """A heap of strings whose free space has the size 0: the library goes round in it for ever."""
    data = bytearray(written(lambda root: root.attrs.update(text="text")))
    at = data.index(b"GCOL") + 16
    while (index := struct.unpack_from("<H", data, at)[0]) != 0:
        assert index == 1
        at += 16 + 8  # the header of "text", and its four bytes padded
    struct.pack_into("<Q", data, at + 8, 0)
    return bytes(data)


def test_a_file_on_which_the_library_never_comes_back_is_refused(monkeypatch):
    monkeypatch.setattr(hdf5, "_SECONDS", 3.0)
    with pytest.raises(ValueError, match="the HDF5 library did not come to its end in 3 s"):
        check_hdf5(endless())


def child(prepare: str, data: bytes) -> subprocess.CompletedProcess[bytes]:
    """The child of `check_hdf5`, with some of its constants changed by `prepare`."""
    code = f"from tendigits.model import hdf5\n{prepare}\nhdf5.main()"
    return subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=False)


def test_the_child_ends_itself_where_its_parent_cannot():
    assert child("hdf5._SECONDS = 1", endless()).returncode in (-signal.SIGXCPU, -signal.SIGKILL)


def test_a_file_that_takes_the_process_down_is_refused(monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -SEGV $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(ValueError, match="the HDF5 library broke down on it, by signal 11"):
        check_hdf5(GOOD)


def test_strings_that_share_their_bytes_cannot_fill_the_memory():
    n = 3000
    long = "y" * 2**22

    def fill(root):
        root.attrs["long"] = long
        root.attrs.create("names", ["x"] * n, dtype=h5py.string_dtype())

    # Each string is its length, and where it lies in the heap; now all are the long one: 12 GB of 4 MB.
    data = written(fill)
    reference = data.index(struct.pack("<I", len(long)))
    one = data[reference : reference + 16]
    short = struct.pack("<I", 1)
    first = next(i for i in range(len(data)) if data[i : i + 4] == short and data[i + 16 : i + 20] == short)
    bomb = data[:first] + one * n + data[first + 16 * n :]
    assert len(bomb) == len(data)

    done = child("hdf5._MEMORY = 2**30", bomb)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert child("hdf5._MEMORY = 2**30", data).returncode == 0  # it is not the limit that is too low


def compressed_zeros(root, n):
    """A dataset of `n` floats that takes next to no space in the file."""
    root.create_dataset("bomb", (n,), np.float32, chunks=(64,), compression="gzip")


def two_arrays(root):
    compressed_zeros(root, 2**19)
    compressed_zeros(root.create_group("group"), 2**19)


def an_array_that_keras_would_read_twice(root):
    compressed_zeros(root, 2**19)
    root.attrs["weight_names7"] = ["bomb", "./bomb"]


@pytest.mark.parametrize("fill", [two_arrays, an_array_that_keras_would_read_twice])
def test_more_memory_than_the_limit_is_refused(monkeypatch, fill):
    data = written(fill)
    assert len(data) < 10_000
    monkeypatch.setattr(hdf5, "MAX_BYTES", 4 * 2**20)
    look_through(data)
    monkeypatch.setattr(hdf5, "MAX_BYTES", 3 * 2**20)
    with pytest.raises(ValueError, match=r"/bomb of shape .* makes it over 3 MB"):
        look_through(data)


def cycle(root):
    root["a/b/c"] = np.zeros(2)
    root["a/b/again"] = root["a"]


def text(root):
    root["text"] = ["one", "two"]


def named_type(root):
    root["type"] = np.dtype(np.float32)


def name_of_nothing(root):
    root.attrs["weight_names"] = ["nothing"]


@pytest.mark.parametrize(
    ("fill", "reason"),
    [
        (cycle, "it holds more than 100 objects"),
        (text, "/text is no array of numbers"),
        (named_type, "/type is no array of numbers"),
        (name_of_nothing, "nothing"),
    ],
)
def test_what_no_model_holds_is_refused(monkeypatch, fill, reason):
    monkeypatch.setattr(hdf5, "_MAX_OBJECTS", 100)
    with pytest.raises(Exception, match=reason):
        look_through(written(fill))
