"""File names that are not UTF-8, or contain control characters or formulas: each is shown in one line."""

import csv
import io
import json
import os
import subprocess
import sys

import openpyxl
import pyarrow.parquet as pq
import pytest

from drawing import page_of_numbers

SHOWN = {
    b"bad\xff.png": r"bad\xff.png",
    b"a\nb.png": r"a\nb.png",
    b"\x1b[31mred\x07.png": r"\x1b[31mred\x07.png",
    "x\u202egnp.exe.png".encode(): r"x\u202egnp.exe.png",
    "l\u2028s.png".encode(): r"l\u2028s.png",
    b"-rf.png": "-rf.png",
    b"=1+1.png": "=1+1.png",
    "zwölf 12\u202fam.png".encode(): "zwölf 12\u202fam.png",
}
"""Names on the disk, and as they are shown."""


@pytest.fixture(scope="module")
def scans(tmp_path_factory, digits):
    """A folder with a picture of each name, and a damaged one."""
    folder = tmp_path_factory.mktemp("scans")
    data = page_of_numbers(digits, rows=1, columns=1)
    for name in SHOWN:
        for start, content in ((b"", data), (b"damaged ", data[:200])):
            with open(os.path.join(os.fsencode(folder), start + name), "wb") as file:  # noqa: PTH118, PTH123
                file.write(content)
    return folder


def read(*arguments):
    """Standard output of `tendigits read` with streams that accept only UTF-8, as those of most terminals."""
    done = subprocess.run(
        [sys.executable, "-m", "tendigits", "read", *map(str, arguments)],
        capture_output=True, env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    out, errors = done.stdout.decode(), done.stderr.decode().split("\n")[:-1]
    summary = f"tendigits: read {len(SHOWN)} of {2 * len(SHOWN)} pictures; {len(SHOWN)} could not be read"
    assert (errors[-1], len(errors)) == (summary, len(SHOWN) + 1)
    assert all(any(f"damaged {shown} (" in error for error in errors) for shown in SHOWN.values())
    assert not {"\x1b", "\x07", "\u202e", "\u2028"} & {*out, *"".join(errors)}
    return out


@pytest.mark.parametrize("kind", ["text", "JSON", "CSV", "Parquet"])
def test_names_in_each_output(scans, tmp_path, kind):
    if kind == "text":
        paths = [line.rpartition(": ")[0] for line in read(scans).split("\n")[:-1]]
    elif kind == "JSON":
        paths = [json.loads(line)["path"] for line in read(scans, "--json").split("\n")[:-1]]
    elif kind == "CSV":
        paths = [row["path"] for row in csv.DictReader(io.StringIO(read(scans, "--csv", "-")))]
    else:
        read(scans, "--parquet", tmp_path / "out")
        paths = pq.read_table(tmp_path / "out")["path"].to_pylist()
    assert sorted(paths) == sorted(f"{scans}/{shown}" for shown in SHOWN.values())


def test_names_of_sheets_and_annotated_pictures(scans, tmp_path):
    read(scans, "--table", tmp_path / "a.xlsx", "--show", tmp_path / "shown")
    shown = {path.name for path in (tmp_path / "shown").iterdir()}
    assert shown == {name.replace("\\", "_") for name in SHOWN.values()}
    sheets = openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames
    assert sorted(sheets) == sorted(name.translate(dict.fromkeys(b"\\[", "_")) for name in SHOWN.values())
