import csv
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tendigits import cli


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["tendigits", "read", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out = capsys.readouterr()
        return caught.value.code, out.out, out.err

    return call


@pytest.fixture
def seven(tmp_path, digits):
    path = tmp_path / "seven.png"
    Image.fromarray(digits.x_test[np.flatnonzero(digits.y_test == 7)[1]]).save(path)
    return path


def test_one_digit_with_its_runners_up(run, seven):
    code, out, err = run(seven, "--one")
    assert (code, err) == (0, "")
    assert out.startswith("7  ")
    assert out.count("%") == 3


def test_a_page_as_text_json_and_csv(run, seven, tmp_path):
    assert run(seven)[1].startswith("7")
    (line,) = json.loads(run(seven, "--json")[1])["lines"]
    assert line["value"] == "7"
    assert run(seven, "--csv", tmp_path / "out.csv")[:2] == (0, "")
    (row,) = csv.DictReader((tmp_path / "out.csv").read_text().splitlines())
    assert (row["path"], row["line"], row["value"], row["accepted"]) == (str(seven), "1", "7", "yes")


def test_a_blank_page_has_no_digits(run, tmp_path):
    Image.new("L", (90, 90), 255).save(tmp_path / "blank.png")
    assert run(tmp_path / "blank.png")[:2] == (0, "no digits\n")


def test_of_many_files_each_line_has_its_name_and_the_bad_ones_are_told_at_the_end(run, seven, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG")
    code, out, err = run(tmp_path, "--quiet")
    assert code == 2
    assert out.startswith(f"{seven}: 7")
    assert str(bad) in err
    assert "read 1 of 2 pictures; 1 could not be read" in err
    assert "Traceback" not in err


def test_show_draws_one_picture(run, seven, tmp_path):
    assert run(seven, "--show", tmp_path / "shown.png")[0] == 0
    with Image.open(tmp_path / "shown.png") as shown:
        assert shown.width >= 400
    code, _, err = run(seven, seven, "--show", tmp_path / "shown.png")
    assert code == 2
    assert "--show draws one picture" in err


def test_the_threshold_moves_what_is_accepted(run, seven):
    assert "<-" in run(seven, "--one", "--threshold", 1)[1]
    assert "<-" not in run(seven, "--one", "--threshold", 0)[1]
    assert run(seven, "--threshold", 7)[0] == 2


def test_no_file(run, tmp_path):
    code, out, err = run(tmp_path / "none.png")
    assert (code, out) == (2, "")
    assert "none.png" in err


def test_a_table_that_goes_on(run, seven, tmp_path):
    scans = tmp_path / "scans"
    scans.mkdir()
    seven.rename(scans / "7.png")
    out = tmp_path / "out"
    assert run(scans, "--one", "--parquet", out) == (0, f"{out}: 1 numbers in 1 pictures\n", "")
    (row,) = pd.read_parquet(out).to_dict("records")
    assert (row["path"], row["value"]) == (str(scans / "7.png"), "7")
    (scans / "broken.png").write_bytes(b"broken")
    code, said, errors = run(scans, "--one", "--parquet", out)
    assert (code, said) == (2, f"{out}: 0 numbers in 0 pictures; 1 pictures had been read before\n")
    first, last = errors.splitlines()
    assert first.startswith("tendigits: expected a whole PNG, JPEG")
    assert last == "tendigits: read 0 of 1 pictures; 1 could not be read"


def test_ctrl_c_keeps_what_was_read(run, seven, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tendigits.batch.bulk.read_into", interrupted)
    code, _, errors = run(seven, "--parquet", tmp_path / "out")
    assert code == 130
    assert errors == "tendigits: interrupted; what was read is kept, the same command goes on where it was\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ray"], "--ray reads into a table; give its folder with --parquet"),
        (["--parquet", "out", "--csv", "out.csv", "--json"], "expected --parquet alone, received --csv, --json too;"),
        (["--parquet", "out", "--ray=nowhere"], "--ray: expected local, auto, HOST:PORT or ray://HOST:PORT, received"),
        (["--parquet", "out", "--ray", "localhost:1"], "no Ray cluster at localhost:1: "),
    ],
)
def test_what_does_not_go_together(run, seven, monkeypatch, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, _, errors = run(seven, *arguments)
    assert code in (1, 2)
    assert said in errors
    assert errors.count("\n") == 1
