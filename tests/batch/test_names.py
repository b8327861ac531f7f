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

from helpers import page_of_numbers
from tendigits.batch.parquet import read_into

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


def paths_in(kind, scans, place):
    """The paths in an output of this kind, or the names in a spreadsheet."""
    if kind == "text":
        return [line.rpartition(": ")[0] for line in read(scans).split("\n")[:-1]]
    if kind == "JSON":
        return [json.loads(line)["path"] for line in read(scans, "--json").split("\n")[:-1]]
    if kind == "CSV":
        return [row["path"] for row in csv.DictReader(io.StringIO(read(scans, "--csv", "-")))]
    if kind == "Parquet":
        read(scans, "--parquet", place / "out")
        good = [str(path) for path in scans.iterdir() if not path.name.startswith("damaged")]
        assert read_into(place / "out", good).before == len(good)
        return pq.read_table(place / "out")["path"].to_pylist()
    read(scans, "--table", place / "a.xlsx", "--show", place / "shown")
    shown = {path.name for path in (place / "shown").iterdir()}
    assert shown == {name.replace("\\", "_") for name in SHOWN.values()}
    return openpyxl.load_workbook(place / "a.xlsx").sheetnames


@pytest.mark.parametrize("kind", ["text", "JSON", "CSV", "Parquet", "spreadsheet"])
def test_names_in_each_output(scans, tmp_path, kind):
    expected = [f"{scans}/{shown}" for shown in SHOWN.values()]
    if kind == "spreadsheet":
        expected = [shown.translate(dict.fromkeys(b"\\[", "_")) for shown in SHOWN.values()]
    assert sorted(paths_in(kind, scans, tmp_path)) == sorted(expected)


def test_a_closed_pipe_ends_the_command_without_a_message(scans):
    with subprocess.Popen(
        [sys.executable, "-m", "tendigits", "read", scans, "--csv", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
