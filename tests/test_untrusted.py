"""Files that somebody else made: pipes, devices, links and sizes."""

import os
import re
from pathlib import Path

import pytest

from tendigits.untrusted import has_inside, open_inside, path_inside, read_file, read_inside


@pytest.fixture
def folder(tmp_path):
    """A folder that came as a whole: a file, links in and out, a pipe."""
    folder, other = tmp_path / "folder", tmp_path / "other"
    for each in (folder / "inner", other):
        each.mkdir(parents=True)
        (each / "file").write_bytes(b"12345")
    (folder / "file").write_bytes(b"12345")
    (folder / "link").symlink_to(other / "file")
    (folder / "link to inner").symlink_to("inner")
    (folder / "linked folder").symlink_to(other)
    (folder / "dangling").symlink_to("nothing")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    return folder


def test_a_file_is_read_wherever_the_folder_is(folder, tmp_path):
    (tmp_path / "by link").symlink_to(folder)
    for place in (folder, tmp_path / "by link"):
        assert read_inside(place, "file", 5) == read_inside(place, "inner/file", 5) == b"12345"
        assert has_inside(place, "inner/file")
    with open_inside(folder, "file", 5) as file:
        assert file.read() == b"12345"


def test_what_a_person_names_may_be_a_link(folder):
    assert read_file(folder / "link", 5) == read_file(folder / "linked folder" / "file", 5) == b"12345"


@pytest.mark.parametrize(
    "name", ["link", "linked folder/file", "link to inner/file", "dangling", "loop", "../other/file"]
)
def test_no_link_leads_out_of_a_folder_or_elsewhere_in_it(folder, name):
    with pytest.raises(OSError, match=r"expected a file of its own in .*, found a link to elsewhere"):
        read_inside(folder, name, 100)
    with pytest.raises(OSError, match="found a link"):
        path_inside(folder, name)
    assert not has_inside(folder, name)


@pytest.mark.parametrize(("name", "kind"), [("pipe", "a pipe"), ("inner", "a folder")])
def test_only_regular_files_are_opened_and_a_pipe_blocks_nobody(folder, name, kind):
    for read in (lambda: read_file(folder / name, 100), lambda: read_inside(folder, name, 100)):
        with pytest.raises(OSError, match=f"expected a regular file, found {kind}"):
            read()
    assert not has_inside(folder, name)


def test_a_device_is_not_opened():
    with pytest.raises(OSError, match="expected a regular file, found a device"):
        read_file(Path(os.devnull), 100)


def test_a_pipe_that_takes_the_place_of_a_file_after_the_first_look_does_not_block_either(folder, monkeypatch):
    regular = (folder / "file").stat()
    monkeypatch.setattr(Path, "stat", lambda _: regular)
    with pytest.raises(OSError, match="found a pipe"):
        read_file(folder / "pipe", 100)


def test_sizes_are_limited_also_where_the_system_does_not_know_them(folder):
    with pytest.raises(OSError, match=re.escape("expected at most 4 bytes, received 5")):
        read_file(folder / "file", 4)
    if Path("/proc/self/maps").exists():
        with pytest.raises(OSError, match="expected 0 bytes, received more"):
            read_file(Path("/proc/self/maps"), 10)


def test_a_missing_file_is_missing(folder):
    with pytest.raises(FileNotFoundError):
        read_inside(folder, "nothing", 100)
    assert not has_inside(folder, "nothing")
