"""The first command that somebody tries, and what the gallery shows."""

import openpyxl
import pytest
import typer

import gallery
from tendigits import Reader
from tendigits.batch import demo


@pytest.fixture
def opened(monkeypatch):
    """What would be opened on a machine with a screen."""
    paths: list[str] = []
    monkeypatch.setattr(typer, "launch", paths.append)
    monkeypatch.setenv("DISPLAY", ":0")
    return paths


def test_demo_reads_opens_and_says_what_is_next(run_cli, opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_cli("demo")
    assert (code, err) == (0, "")
    assert opened == ["tendigits-demo/marks.xlsx"]
    sheet = openpyxl.load_workbook(opened[0])["marks.jpg"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2, min_col=2, max_row=8, max_col=6)]
    doubtful = [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.comment]
    wrong = [
        f"{'BCDEF'[j]}{i + 2}" for i, row in enumerate(gallery.MARKS[1:]) for j, text in enumerate(row[1:])
        if str(rows[i][j] or "") != text
    ]  # fmt: skip
    assert set(wrong) <= set(doubtful)
    assert len(doubtful) <= 3
    for command in ("tendigits read", "tendigits serve", "tendigits train"):
        assert f"\n  {command}" in out


def test_demo_replaces_nothing_unless_told_to(run_cli, opened, tmp_path):
    (tmp_path / "marks.jpg").write_text("mine")
    code, _, err = run_cli("demo", "--out", tmp_path)
    assert code == 2
    assert "add --overwrite" in err
    assert (tmp_path / "marks.jpg").read_text() == "mine"
    assert run_cli("demo", "--out", tmp_path, "--overwrite", "--no-open")[0] == 0
    assert (tmp_path / "marks.jpg").read_bytes() == demo.PHOTO.read_bytes()
    assert opened == []


def test_without_a_screen_nothing_is_opened(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not demo.has_screen()


@pytest.mark.slow
@pytest.mark.parametrize("job", gallery.JOBS, ids=lambda job: job.name)
def test_the_gallerys_commands_run_as_shown(job, tmp_path):
    text = (gallery.DOCS / "gallery.md").read_text()
    assert f"```sh\n{job.command}\n```" in text
    assert gallery.run(job, tmp_path)
    assert (gallery.PICTURES / f"{job.name}.jpg").exists()


@pytest.mark.slow
def test_the_gallerys_accepted_numbers_are_right():
    """In the pictures as they are shown, smaller than what the commands read."""
    written = {text for row in gallery.MARKS for text in row} | {text for row in gallery.METER for text in row}
    for name in ("marks.jpg", "meter.jpg"):
        for number in Reader().read(gallery.PICTURES / name).numbers:
            assert number.value in written or not number.accepted, f"{name}: {number.value}"
