"""Names that are no text, or do something to a terminal or a table: each is shown in one line, none ends a batch."""

import csv
import io
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pytest

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
"""Names as they lie on the disk, and as they are shown."""


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A folder with a picture of each name, and a damaged one."""
    folder = tmp_path_factory.mktemp("scans")
    page = np.full((200, 300), 255, np.uint8)
    cv2.putText(page, "47", (60, 130), cv2.FONT_HERSHEY_SIMPLEX, 3, 0, 6)
    data = cv2.imencode(".png", page)[1].tobytes()
    for name in SHOWN:
        for start, content in ((b"", data), (b"damaged ", data[:200])):
            with open(os.path.join(os.fsencode(folder), start + name), "wb") as file:  # noqa: PTH118, PTH123
                file.write(content)
    return folder


def read(*arguments, **options):
    """`tendigits read` with streams that refuse what is no UTF-8, as those of most terminals do."""
    return subprocess.run(
        [sys.executable, "-m", "tendigits", "read", *map(str, arguments)],
        capture_output=True, env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"}, **options,
    )  # fmt: skip


def printed(done):
    """Both streams of a command that read half of the pictures."""
    assert done.returncode == 1, done.stderr
    out, err = done.stdout.decode(), done.stderr.decode()
    assert (
        err.splitlines()[-1]
        == f"tendigits: read {len(SHOWN)} of {2 * len(SHOWN)} pictures; {len(SHOWN)} could not be read"
    )
    assert err.count("\n") == len(SHOWN) + 1
    assert all(f"damaged {shown} (" in err for shown in SHOWN.values())
    assert not {"\x1b", "\x07", "\u202e", "\u2028"} & {*out, *err}
    return out


def test_text_and_json_on_a_terminal(scans):
    lines = printed(read(scans)).split("\n")
    assert sorted(lines[:-1]) == sorted(f"{scans}/{shown}: 47" for shown in SHOWN.values())
    found = [json.loads(line)["path"] for line in printed(read(scans, "--json")).split("\n")[:-1]]
    assert sorted(found) == sorted(f"{scans}/{shown}" for shown in SHOWN.values())


def test_a_csv_on_standard_output_and_in_a_file(scans, tmp_path):
    text = printed(read(scans, "--csv", "-"))
    assert printed(read(scans, "--csv", tmp_path / "a.csv")) == ""
    assert (tmp_path / "a.csv").read_bytes() == text.encode()
    paths = {row["path"] for row in csv.DictReader(io.StringIO(text))}
    assert paths == {f"{scans}/{shown}" for shown in SHOWN.values()}


def test_sheets_and_annotated_pictures(scans, tmp_path):
    printed(read(scans, "--table", tmp_path / "a.xlsx", "--show", tmp_path / "shown"))
    sheets = openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames
    assert {name.translate(dict.fromkeys(b"\\[", "_")) for name in SHOWN.values()} <= {*sheets}
    shown = {path.name for path in (tmp_path / "shown").iterdir()}
    assert shown == {name.replace("\\", "_") for name in SHOWN.values()}


def test_parquet_and_what_was_read_before(scans, tmp_path):
    printed(read(scans, "--parquet", tmp_path / "out"))
    assert {*pq.read_table(tmp_path / "out")["path"].to_pylist()} == {f"{scans}/{shown}" for shown in SHOWN.values()}
    errors = [error for error in pq.read_table(tmp_path / "out" / "_pictures")["error"].to_pylist() if error]
    assert len(errors) == len(SHOWN)
    assert not any("\n" in error or "\x1b" in error for error in errors)
    good = [str(path) for path in scans.iterdir() if not path.name.startswith("damaged")]
    assert read_into(tmp_path / "out", good).before == len(good)


def test_a_reader_of_the_output_that_has_gone_ends_it_without_a_word(scans):
    with subprocess.Popen(
        [sys.executable, "-m", "tendigits", "read", scans, "--csv", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
