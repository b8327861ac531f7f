import copy
import struct
import zipfile

import pytest

from tendigits import archive


def check_zip(path, max_bytes, **options):
    with path.open("rb") as file:
        return archive.check_zip(file, max_bytes, **options)


def zipped(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def path(tmp_path):
    return zipped(tmp_path / "a.zip", {"a": b"1" * 50, "b/c": b""})


@pytest.mark.parametrize(
    ("method", "deflated"), [(zipfile.ZIP_DEFLATED, False), (zipfile.ZIP_BZIP2, True), (zipfile.ZIP_LZMA, True)]
)
def test_only_stored_members_and_deflated_ones_where_allowed(path, method, deflated):
    assert {name: info.file_size for name, info in check_zip(path, 1000).items()} == {"a": 50, "b/c": 0}
    zipped(path, {"b": b"0" * 1000}, method)
    with pytest.raises(ValueError, match=r"expected members that are stored.*'b' is not"):
        check_zip(path, 2000, deflated=deflated)
    zipped(path, {"b": b"0" * 1000}, zipfile.ZIP_DEFLATED)
    assert check_zip(path, 2000, deflated=True)["b"].file_size == 1000


@pytest.mark.parametrize("claimed", [49, 2**31])
def test_a_stored_member_that_claims_another_size_is_refused(path, claimed):
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\1\2") + 24, claimed)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="expected members that are stored uncompressed, 'a' is not"):
        check_zip(path, 1000)


def test_the_limit_is_of_the_file_and_of_all_members_together(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a": b"0" * 2**20})
    with pytest.raises(ValueError, match="expected at most 1,048,576 bytes, received 1,048,676"):
        check_zip(path, 2**20)
    assert list(check_zip(path, path.stat().st_size)) == ["a"]
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("c", b"")
        again = copy.copy(opened.filelist[0])  # the same bytes under another name
        again.filename = "b"
        opened.filelist.append(again)
    with pytest.raises(ValueError, match="bytes unpacked, its members claim 2,097,152"):
        check_zip(path, path.stat().st_size)


def test_a_member_twice_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    with pytest.raises(ValueError, match="it has a member twice"):
        check_zip(path, 1000)


def test_too_many_members_are_refused_before_they_are_listed(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", {f"{i:030d}": b"" for i in range(1000)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ValueError, match="it has far too many members"):
        check_zip(path, 2**20)


def test_a_zip64_directory_cannot_hide_its_size(path):
    data = path.read_bytes()
    count, size, offset = struct.unpack("<H2L", data[-12:-2])
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(data) - 22, 1)
    path.write_bytes(data[:-22] + end64 + locator + data[-22:])
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["a", "b/c"]
    with pytest.raises(ValueError, match="it has far too many members"):
        check_zip(path, 1000)


@pytest.mark.parametrize("cut", [1, 10**6])
def test_a_truncated_zip_is_refused(path, cut):
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    with pytest.raises(ValueError, match=r"expected a zip, found [\d,]+ bytes without its end"):
        check_zip(path, 1000)
    path.write_bytes(data[-30:])
    with pytest.raises(zipfile.BadZipFile):
        check_zip(path, 1000)
