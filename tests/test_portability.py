"""What differs on Windows and macOS, as far as Linux can emulate it."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from drawing import file_of, page_of_text
from tendigits import files
from tendigits.errors import DiskError
from tendigits.files import portable, replacing
from tendigits.read.forms import load_form

ELSEWHERE = """
import os, sys, warnings
sys.modules.update(dict.fromkeys(["resource", "termios", "pwd", "grp", "pty"]))
for name in ("fork", "forkpty", "sched_getaffinity", "mkfifo", "getloadavg", "sysconf"):
    delattr(os, name)
warnings.filterwarnings("error", category=EncodingWarning, module="tendigits")
"""
"""A sitecustomize.py: in each process only what Windows has, and no text in whatever encoding the system uses."""


@pytest.fixture
def run_elsewhere(tmp_path):
    """Call the command on a console in code page 1252: its exit code, output and errors."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(ELSEWHERE)
    own = {"PYTHONPATH": str(tmp_path / "site"), "PYTHONIOENCODING": "cp1252", "PYTHONWARNDEFAULTENCODING": "1"}

    def run(*arguments):
        command = [sys.executable, "-W", "ignore::EncodingWarning", "-m", "tendigits", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"} | own
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
        return done.returncode, done.stdout.decode("cp1252"), done.stderr.decode("cp1252")

    return run


def test_a_folder_is_read_with_what_windows_has(run_elsewhere, tmp_path):
    (tmp_path / "scans").mkdir()
    for name in ("a.png", "A.png", "con.png", "\u2260.png"):
        (tmp_path / "scans" / name).write_bytes(file_of(page_of_text("3+4=7")))
    (tmp_path / "roster.csv").write_bytes(b"\xef\xbb\xbfsum\r\n3+4=7\r\n")
    command = ("read", "scans", "--workers", "2", "--csv", "out.csv", "--show", "shown", "--expect", "roster.csv")
    assert run_elsewhere(*command) == (0, "", "")
    assert {path.name for path in (tmp_path / "shown").iterdir()} == {"A.png", "a-2.png", "_con.png", "\u2260.png"}
    assert (tmp_path / "out.csv").read_text("utf-8").count("3+4=7,") >= 4
    code, out, errors = run_elsewhere("read", "scans/\u2260.png", "scans/a.png")
    assert (code, errors) == (0, "")
    assert "scans/\\u2260.png: 3+4=7" in out
    assert run_elsewhere("read", "--help")[0] == 0


@pytest.mark.slow
def test_a_network_is_trained_with_what_windows_has(run_elsewhere):
    code, out, errors = run_elsewhere("train", "--epochs", "1", "--hidden", "16", "--name", "first")
    assert (code, "accuracy" in out) == (0, True), errors
    assert run_elsewhere("evaluate", "first")[0] == 0


@pytest.mark.parametrize(
    ("name", "everywhere"),
    [
        ("con", "_con"), ("NUL.txt", "_NUL.txt"), ("com1", "_com1"), ("a:b", "a_b"), ('<">|?*', "______"), ("a.", "a_"),
        ("a ", "a_"), ("a/b\\c", "a_b_c"), ("console", "console"), ("a.b-c_1", "a.b-c_1"), ("\u00e9", "\u00e9"),
    ],
)  # fmt: skip
def test_a_name_that_every_system_accepts(name, everywhere):
    assert portable(name) == everywhere
    assert portable(everywhere) == everywhere


class Windows(SimpleNamespace):
    """The module os as files.py sees it there: folders cannot be opened."""

    name = "nt"

    def __getattr__(self, name):
        return getattr(os, name)

    def open(self, path, flags):
        if os.path.isdir(path):  # noqa: PTH112
            raise PermissionError(13, "Permission denied")
        return os.open(path, flags)


@pytest.mark.parametrize("n_refusals", [0, 2, 9])
def test_a_file_that_another_program_has_open_is_replaced_soon_or_named(tmp_path, monkeypatch, n_refusals):
    replace, refusals = Path.replace, iter([None] * n_refusals)

    def refuse(self, target):
        if next(refusals, replace) is None:
            raise PermissionError(13, "The process cannot access the file because it is being used")
        return replace(self, target)

    monkeypatch.setattr(files, "os", Windows())
    monkeypatch.setattr(files, "WAITS_SECONDS", (0, 0, 0))
    monkeypatch.setattr(Path, "replace", refuse)
    path = tmp_path / "marks.csv"
    path.write_text("old")
    if n_refusals > 3:
        with pytest.raises(DiskError, match=r"being used; close it in other programs or choose another folder$"):
            write(path)
    else:
        write(path)
    assert path.read_text() == ("old" if n_refusals > 3 else "new")
    assert [*tmp_path.iterdir()] == [path]


def write(path):
    with replacing(path) as temporary:
        temporary.write_text("new")


def test_a_form_that_notepad_has_saved(tmp_path):
    (tmp_path / "form.png").write_bytes(file_of(page_of_text("12345")))
    text = '\ufeffpicture = "form.png"\r\n[fields]\r\npoints = [1, 1, 90, 90]\r\n'
    (tmp_path / "exam.toml").write_bytes(text.encode())
    assert [*load_form(tmp_path / "exam.toml").fields] == ["points"]
