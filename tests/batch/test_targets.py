"""What a person has is never destroyed by an output: each picture is still there, byte for byte."""

import os
import stat
import subprocess
from pathlib import Path

import openpyxl
import pytest

from drawing import page_of_numbers
from samples import full_disk
from tendigits.batch.output import Output
from tendigits.tables.spreadsheet import sheet_names


@pytest.fixture
def photos(tmp_path, monkeypatch, digits):
    """A folder of two photos, which is the working folder; no test may change them."""
    monkeypatch.chdir(tmp_path)
    data = page_of_numbers(digits, rows=1, columns=1)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        path.write_bytes(data)
    yield paths
    assert [path.read_bytes() for path in paths] == [data, data]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--csv", "a.png", "b.png"], 2, "expected a name ending in .csv or .txt for --csv, received a.png"),
        (["b.png", "--show", "a.png", "--overwrite"], 2, "expected a folder for the 2 pictures of --show"),
        (["--show", "link.png", "--overwrite"], 2, "--show would overwrite link.png, which is read"),
        (["--show", "linked/a.png", "--overwrite"], 2, "--show would overwrite linked/a.png, which is read"),
        (["b.png", "--show", ".", "--overwrite"], 2, "--show would overwrite a.png, which is read"),
        (["--show", "b.png"], 2, "--show would replace b.png; choose another name, or add --overwrite"),
        (["--csv", "notes.csv"], 2, "--csv would replace notes.csv; choose another name, or add --overwrite"),
        (["--csv", "out.csv", "--table", "./out.csv"], 2, "expected a file for each output, received out.csv twice"),
        (["--csv", "."], 2, "expected a file for --csv, received the folder ."),
        (["--csv", "folder.csv"], 2, "expected a file for --csv, received the folder folder.csv"),
        (["--csv", "missing/out.csv"], 1, "expected a folder to write to, found none at"),
        (["--csv", "/proc/out.csv"], 1, "cannot write into the folder /proc"),
        (["--csv", "out.csv", "--expect", "A: nan..inf"], 2, "expected 0..20, 7|14|21, date"),
        (["--table", "out.ods"], 2, "expected a name ending in .csv or .xlsx for --table, received out.ods"),
        (["--table", "out.xlsx", "--expect", "B 3"], 2, "or 'A: date' for column A, received 'B 3'"),
        (["--ray"], 2, "--ray reads into a table; give its folder with --parquet"),
        (
            ["--parquet", "out", "--csv", "out.csv", "--json"],
            2,
            "expected --parquet alone, received --csv, --json too;",
        ),
        (["--csv", "-", "--json"], 2, "expected --json or --csv -, received both;"),
        (["--parquet", "out", "--ray=nowhere"], 2, "--ray: expected local, auto, HOST:PORT or ray://HOST:PORT,"),
        (["--csv", "out.csv", "--one", "--expect", "0..5"], 2, "expected --expect or --one, received both"),
        (["--csv", "out.csv", "--key", "notes.csv"], 2, "expected --form with --key, received --key alone"),
        (["--parquet", "out", "--expect", "date"], 2, "expected --parquet alone, received --expect too;"),
        (
            ["--csv", "roster.csv", "--overwrite", "--expect", "roster.csv"],
            2,
            "--csv would overwrite roster.csv",
        ),
        (["--csv", "out.csv", "--form", "missing.toml"], 2, "expected a form's TOML file at missing.toml"),
    ],
)
def test_outputs_are_refused_before_anything_is_read(run, photos, monkeypatch, arguments, code, message):
    Path("link.png").symlink_to("a.png")
    Path("linked").symlink_to(".")
    Path("folder.csv").mkdir()
    Path("notes.csv").write_text("path,my own notes\n")
    Path("roster.csv").write_text("40275\n40312\n")
    monkeypatch.setattr("os.access", lambda path, mode: not str(path).startswith("/proc"))
    found, out, errors = run("a.png", *arguments)
    assert (found, out, errors.count("\n")) == (code, "", 1), errors
    assert message in errors
    assert not Path("out.csv").exists()
    assert Path("notes.csv").read_text() == "path,my own notes\n"


@pytest.mark.parametrize(("option", "name"), [("--csv", "out.csv"), ("--table", "out.xlsx"), ("--show", "out.webp")])
def test_a_file_is_replaced_only_if_the_user_says_so_and_keeps_its_mode(run, photos, option, name):
    """Not even an earlier output: somebody may have corrected it."""
    output = Path(name)
    output.touch(0o600)
    assert run("a.png", option, name)[0] == 0
    before = output.read_bytes()
    code, _, errors = run("a.png", option, name)
    assert (code, errors) == (2, f"tendigits: {option} would replace {name}; choose another name, or add --overwrite\n")
    assert (output.read_bytes(), stat.S_IMODE(output.stat().st_mode)) == (before, 0o600)
    output.write_text("mine")
    assert run("a.png", option, name, "--overwrite")[0] == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert output.read_bytes() != b"mine"


@pytest.mark.parametrize(("temporary", "where"), [("elsewhere", "elsewhere"), ("missing", "home")])
def test_what_was_read_is_kept_elsewhere_if_it_cannot_be_written(run, photos, tmp_path, monkeypatch, temporary, where):
    for name in ("elsewhere", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / temporary))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    code, _, errors = run("a.png", "--csv", "/dev/full", "--table", "out.xlsx")
    (kept,) = (tmp_path / where).rglob("full")
    assert (code, errors.count("\n"), str(kept) in errors) == (1, 1, True)
    assert kept.read_text().startswith("path,order,")
    assert Path("out.xlsx").exists()  # the other output is written all the same


@pytest.mark.parametrize("limit", [0, 40])
def test_no_part_of_a_file_is_kept_or_announced(run, photos, tmp_path, monkeypatch, limit):
    for name in ("temporary", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with full_disk(limit):
        code, _, errors = run("a.png", "--csv", "out.csv")
    assert (code, errors.count("\n"), "what was read is in" in errors) == (1, 1, False)
    assert errors.startswith("tendigits: cannot write out.csv: File too large")
    assert [*tmp_path.glob("temporary/*"), *tmp_path.glob("home/*"), *tmp_path.glob("out*")] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--show", "shown"], "cannot write shown/a.png: File too large"),
        (["--parquet", "out"], "cannot lock out: File too large"),
    ],
)
def test_a_disk_that_is_full_while_pictures_are_read_is_one_error(run, photos, options, message):
    with full_disk():
        code, _, errors = run("a.png", "b.png", *options)
    assert (code, errors.count("\n")) == (1, 1)
    assert errors.startswith(f"tendigits: {message}")


def test_one_bad_name_does_not_stop_the_others(run, photos, tmp_path, digits):
    (folder := tmp_path / "many").mkdir()
    names = ["\N{GRINNING FACE}" * 16, "n" * 250, os.fsdecode(b"\xff" * 200)]
    for name in names:
        (folder / f"{name}.png").write_bytes(photos[0].read_bytes())
    deep, depth = os.open(folder, os.O_RDONLY), 1100
    for _ in range(depth):
        os.mkdir("d", dir_fd=deep)
        deep, above = os.open("d", os.O_RDONLY, dir_fd=deep), deep
        os.close(above)
    os.close(deep)
    try:
        code, out, errors = run(folder, "--table", "out.xlsx", "--show", "shown")
    finally:  # pytest cannot remove folders as deep as that
        subprocess.run(["rm", "-r", folder / "d"], check=True)
    assert (code, out.count("\n"), errors) == (0, len(names), "")
    assert len(openpyxl.load_workbook("out.xlsx").sheetnames) == len(names)
    assert len(list(Path("shown").iterdir())) == len(names)
    code, out, errors = run("n" * 300 + ".png", "a.png")
    assert (code, out.count("a.png: "), errors.count("\n")) == (1, 1, 2)


def test_a_thousand_sheets_of_one_name_are_named_at_once():
    names = sheet_names(["\N{GRINNING FACE}" * 30] * 1000)
    assert len({name.lower() for name in names}) == 1000
    assert max(len(name.encode("utf-16-le")) for name in names) <= 2 * 31


def test_the_name_of_a_forms_field_is_no_formula(tmp_path):
    with Output(
        tmp_path / "out.csv", as_json=False, one=False, named=False, show={}, table=None,
        shows_text=True, fields=["=1+1"], key=None,
    ):  # fmt: skip
        pass
    assert (tmp_path / "out.csv").read_text() == "path,'=1+1,to check\n"
