"""Files that somebody else made: pipes, devices, links, sizes, TOML and zip archives."""

import os
import re
import zipfile
from pathlib import Path

import pytest

from tendigits.untrusted import MAX_TOML_BYTES, check_zip, has_inside, path_inside, read_file, read_inside


@pytest.fixture
def folder(tmp_path):
    """A folder from elsewhere: a file, links in and out, a pipe."""
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


def test_files_in_a_folder_are_read(folder, tmp_path):
    (tmp_path / "by link").symlink_to(folder)
    for place in (folder, tmp_path / "by link"):
        assert read_inside(place, "file", 5) == read_inside(place, "inner/file", 5) == b"12345"
        assert has_inside(place, "inner/file")
    # A file that the user names may be a link.
    assert read_file(folder / "link", 5) == read_file(folder / "linked folder" / "file", 5) == b"12345"


@pytest.mark.parametrize(
    "name", ["link", "linked folder/file", "link to inner/file", "dangling", "loop", "../other/file"]
)
def test_links_in_a_folder_are_refused(folder, name):
    with pytest.raises(OSError, match=r"expected a file inside .*, found a link to elsewhere"):
        read_inside(folder, name, 100)
    with pytest.raises(OSError, match="found a link"):
        path_inside(folder, name)
    assert not has_inside(folder, name)


@pytest.mark.parametrize(("name", "kind"), [("pipe", "a pipe"), ("inner", "a folder"), (os.devnull, "a device")])
def test_only_regular_files_are_opened(folder, name, kind):
    """Opening a pipe would block."""
    with pytest.raises(OSError, match=f"expected a regular file, found {kind}"):
        read_file(folder / name, 100)
    with pytest.raises(OSError, match="expected a "):
        read_inside(folder, name, 100)
    assert not has_inside(folder, name)


def test_a_missing_file(folder):
    with pytest.raises(FileNotFoundError):
        read_inside(folder, "nothing", 100)
    assert not has_inside(folder, "nothing")


def test_sizes_are_limited(folder):
    with pytest.raises(OSError, match=re.escape("expected at most 4 bytes, received 5")):
        read_file(folder / "file", 4)
    if Path("/proc/self/maps").exists():
        with pytest.raises(OSError, match="expected 0 bytes, received more"):
            read_file(Path("/proc/self/maps"), 10)


HOSTILE_TOML = {
    "deep lists": ("a = " + "[" * 50_000, "fewer nested lists"),
    "a number of 5,000 digits": ("epochs = " + "9" * 5000, "4300"),
    "too long": ("a = 1\n" + "#\n" * (MAX_TOML_BYTES // 2), f"at most {MAX_TOML_BYTES:,} bytes"),
    "not UTF-8": ('a = "\udcff"', "utf-8"),
    "not TOML": ("a = ", "Invalid value"),
}


@pytest.mark.parametrize("name", HOSTILE_TOML)
def test_hostile_toml_is_refused_in_one_line(name, tmp_path, run_cli):
    text, reason = HOSTILE_TOML[name]
    path = tmp_path / "a.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    code, out, err = run_cli("train", "--recipe", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert reason in err
    assert len(err) < 1100


def checked(path, members, method, max_bytes=10_000, **options):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    with path.open("rb") as file:
        found = check_zip(file, max_bytes, **options)
        assert file.tell() == 0
    return {name: info.file_size for name, info in found.items()}


def test_a_zip_has_stored_members_or_deflated_ones_if_allowed(tmp_path):
    path, members = tmp_path / "a.zip", [("a", b"1" * 50), ("b/c", b"")]
    sizes = {"a": 50, "b/c": 0}
    assert checked(path, members, zipfile.ZIP_STORED) == sizes
    assert checked(path, members, zipfile.ZIP_DEFLATED, deflated=True) == sizes
    for method, deflated in ((zipfile.ZIP_DEFLATED, False), (zipfile.ZIP_LZMA, True)):
        with pytest.raises(ValueError, match=r"expected members that are stored.*'a' is not"):
            checked(path, members, method, deflated=deflated)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_members_of_a_zip_are_limited_together_and_unique(tmp_path):
    members = [("a", b"0" * 9000), ("b", b"0" * 9000)]
    with pytest.raises(ValueError, match=r"expected at most 10,000 bytes unpacked, its members have 18,000"):
        checked(tmp_path / "a.zip", members, zipfile.ZIP_DEFLATED, deflated=True)
    with pytest.raises(ValueError, match="two of its members have the same name"):
        checked(tmp_path / "a.zip", [("a", b"1"), ("a", b"2")], zipfile.ZIP_STORED)
