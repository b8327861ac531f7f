import csv
import json
from functools import partial

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tendigits.read.results import COLUMNS


@pytest.fixture
def run(run_cli):
    return partial(run_cli, "read")


@pytest.fixture
def seven(tmp_path, digits):
    path = tmp_path / "seven.png"
    Image.fromarray(digits.x_test[np.flatnonzero(digits.y_test == 7)[1]]).save(path)
    return path


@pytest.fixture
def scans(seven, tmp_path):
    """A 7, a damaged file, and one of a format that can't be read."""
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "7.png").write_bytes(seven.read_bytes())
    (folder / "bad.png").write_bytes(b"\x89PNG")
    (folder / "photo.heic").write_bytes(b"")
    return folder


def test_one_digit_with_its_runners_up(run, seven):
    code, out, err = run(seven, "--one")
    assert (code, err) == (0, "")
    assert out.startswith("7  ")
    assert out.count("%") == 3


def test_a_page_as_text_json_and_csv(run, seven, tmp_path):
    assert run(seven)[1].startswith("7")
    Image.new("L", (90, 90), 255).save(tmp_path / "blank.png")
    assert run(tmp_path / "blank.png")[:2] == (0, "no numbers\n")
    (line,) = json.loads(run(seven, "--json")[1])["lines"]
    assert line["value"] == "7"
    assert run(seven, "--csv", tmp_path / "out.csv")[:2] == (0, "")
    text = (tmp_path / "out.csv").read_text()
    (row,) = csv.DictReader(text.splitlines())
    assert (row["path"], row["line"], row["value"], row["accepted"]) == (str(seven), "1", "7", "yes")
    assert run(seven, "--csv", "-")[:2] == (0, text)
    (row,) = csv.DictReader(run(seven, "--csv", "-", "--threshold", 1)[1].splitlines())
    assert (row["value"], row["accepted"]) == ("7", "no")
    assert row["reason"]


def test_pictures_that_could_not_be_read_are_listed_at_the_end(run, scans, tmp_path):
    code, out, err = run(scans)
    assert code == 1
    assert out == f"{scans}/7.png: 7\n"
    damaged, skipped, summary = err.splitlines()
    assert "bad.png" in damaged
    assert skipped == f"tendigits: skipped {scans}/photo.heic: cannot read HEIC; save it as PNG or JPEG"
    assert summary == "tendigits: read 1 of 3 pictures; 2 could not be read"
    code, out, err = run(tmp_path / "none.png")
    assert (code, out) == (2, ""), "nothing was read"
    assert "none.png" in err


def test_show_draws_one_picture_into_a_file_and_several_into_a_folder(run, seven, scans, tmp_path):
    assert run(seven, "--show", tmp_path / "shown.jpg")[0] == 0
    with Image.open(tmp_path / "shown.jpg") as shown:
        assert (shown.format, shown.width >= 400) == ("JPEG", True)
    other = tmp_path / "other" / "7.jpg"
    other.parent.mkdir()
    Image.open(seven).save(other)
    shown = tmp_path / "new" / "shown"
    assert run(scans / "7.png", other, "--show", shown)[0] == 0
    assert sorted(path.name for path in shown.iterdir()) == ["7-2.png", "7.png"]
    assert run(seven, "--show", shown)[0] == 0
    assert (shown / "seven.png").exists()


@pytest.mark.parametrize(
    ("show", "message"),
    [
        ("x.gif", "expected a name ending in .png, .jpg, .jpeg, .webp for --show, received x.gif"),
        ("seven.png", "--show would overwrite the picture seven.png; choose another name"),
    ],
)
def test_what_show_cannot_write_is_refused_before_reading(run, seven, monkeypatch, show, message):
    monkeypatch.chdir(seven.parent)
    monkeypatch.setattr("tendigits.batch.batch.read_files", None)
    before = seven.read_bytes()
    assert run("seven.png", "--show", show) == (2, "", f"tendigits: {message}\n")
    assert seven.read_bytes() == before
    code, _, err = run("seven.png", "other.png", "--show", "x.png")
    assert (code, "expected a folder for the 2 pictures of --show, received x.png" in err) == (2, True)


def test_a_table_that_is_resumed(run, seven, scans, tmp_path):
    out = tmp_path / "out"
    assert run(seven, "--one", "--parquet", out) == (0, f"{out}: 1 numbers in 1 pictures\n", "")
    (row,) = pq.read_table(out).to_pylist()
    assert (row["path"], row["value"]) == (str(seven), "7")
    code, printed, errors = run(seven, scans / "bad.png", "--one", "--parquet", out)
    assert (code, printed) == (2, f"{out}: 0 numbers in 0 pictures; 1 pictures had been read before\n")
    first, last = errors.splitlines()
    assert first.startswith("tendigits: expected a whole PNG, JPEG")
    assert last == "tendigits: read 0 of 1 pictures; 1 could not be read"


def test_ctrl_c_keeps_what_was_read(run, seven, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tendigits.batch.parquet.read_into", interrupted)
    code, _, errors = run(seven, "--parquet", tmp_path / "out")
    assert code == 130
    assert errors == "tendigits: interrupted; what was read is kept, run the same command again to resume\n"
    monkeypatch.setattr("tendigits.batch.batch.read_files", interrupted)
    assert run(seven, "--csv", tmp_path / "out.csv")[0] == 130
    assert (tmp_path / "out.csv").read_text() == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ray"], "--ray reads into a table; give its folder with --parquet"),
        (["--parquet", "out", "--csv", "out.csv", "--json"], "expected --parquet alone, received --csv, --json too;"),
        (["--csv", "-", "--json"], "expected --json or --csv -, received both;"),
        (["--parquet", "out", "--ray=nowhere"], "--ray: expected local, auto, HOST:PORT or ray://HOST:PORT, received"),
    ],
)
def test_options_that_do_not_go_together(run, seven, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, _, errors = run(seven, *arguments)
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1
