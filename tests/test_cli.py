"""The command as a person types it; in this process where that shows the same."""

import json
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import typer

from tendigits.errors import Interrupted
from tendigits.model.recipe import Recipe
from tendigits.runs.run import open_run

SMALL = ["--hidden", "16", "--epochs", "2", "--learning-rate", "0.003"]


def test_the_help_without_arguments_and_the_version(run_cli):
    assert run_cli() == run_cli("--help")
    assert run_cli("--version") == (0, "tendigits 0.1.0\n", "")


def test_the_version_for_a_bug_report(run_cli):
    code, out, _ = run_cli("--version", "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["tendigits"] == "0.1.0"
    assert shown["versions"]["numpy"] == np.__version__
    assert {"reader.onnx", "finder.onnx", "numbers.onnx"} == shown["build"]["networks"].keys()
    assert str(Path.home()) not in out
    code, _, err = run_cli("--json")
    assert (code, err.count("\n")) == (2, 1)


def test_train_in_a_pipe_prints_a_line_per_epoch(run_cli, small_npz, tmp_path):
    code, out, err = run_cli("train", "--data", small_npz, "--runs", tmp_path, "--name", "one", *SMALL)
    assert (code, err) == (0, "")
    number = r"\d\.\d{4}"
    line = rf"loss {number}  accuracy {number}  val_loss {number}  val_accuracy {number}  \d+\.\d s"
    assert re.search(rf"^ 1/2  {line}\n 2/2  {line}$", out, re.MULTILINE)
    assert not set("\b\r\x1b") & set(out)
    for shown in ("model.keras", "model.h5", "95% interval", str(tmp_path / "one")):
        assert shown in out
    assert open_run(tmp_path / "one").recipe() == Recipe(hidden=(16,), epochs=2, learning_rate=0.003)


def test_a_recipe_file_with_flags_over_it(run_cli, small_npz, tmp_path):
    """And with --quiet, which prints the run's folder alone."""
    (tmp_path / "mine.toml").write_text("hidden = [24]\nepochs = 9\n")
    printed = run_cli(
        "train", "--recipe", tmp_path / "mine.toml", "--hidden", "", "--epochs", 1, "--data", small_npz,
        "--runs", tmp_path, "--name", "one", "--quiet", "--no-restore-best", "--metrics", "accuracy,mean_squared_error",
    )  # fmt: skip
    assert printed == (0, f"{tmp_path / 'one'}\n", "")
    assert open_run(tmp_path / "one").recipe() == Recipe(
        name="mine", hidden=(), epochs=1, restore_best=False, metrics=("accuracy", "mean_squared_error")
    )
    assert "val_mean_squared_error" in open_run(tmp_path / "one").history()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--epochs", "0"], "recipe field 'epochs': expected greater than or equal to 1, received 0"),
        (["train", "--epochs", "many"], "--epochs: expected a valid integer. See: tendigits train --help"),
        (["train", "--epoch", "3"], "There is no --epoch; did you mean --epochs? See: tendigits train --help"),
        (["runs", "--bogus"], "There is no --bogus. See: tendigits runs --help"),
        (["train", "--epochs"], "Option '--epochs' requires an argument. See: tendigits train --help"),
        (["train", "--optimizer", "adm"], "received 'adm'; did you mean 'adam'?"),
        (
            ["export", "x", "--to", "onx"],
            "--to onx: did you mean onnx? expected onnx, litert, ",
        ),
        (["trian"], "No such command 'trian'. Did you mean 'train'? See: tendigits --help"),
        (
            ["train", "--resume", "x"],
            "the name of a run in runs, found no x; `tendigits runs` lists the runs",
        ),
        (["train", "--recipe", "clasic"], "expected a known recipe (classic, "),
        (["train", "--resume", "x", "--epochs", "3"], "leave out --epochs"),
        (["runs", "a", "b"], "expected a path, or the name of a run in runs, found no a"),
        (["data", "--data", "nothing"], "there is no file at nothing"),
        (["nonsense"], "No such command 'nonsense'."),
        (
            ["serve", "--port", "99999"],
            "--port: expected less than or equal to 65535. See: tendigits serve --help",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run_cli, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run_cli(*arguments)
    assert code == 2
    assert message in err
    assert re.fullmatch(r"tendigits: .*\n", err)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_one_line_and_exit_code_1(run_cli, small_npz, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 0))
    code, _, err = run_cli("train", "--data", small_npz, "--runs", tmp_path / "new" / "runs", "--quiet")
    assert code == 1
    assert re.fullmatch(r"tendigits: expected at least \d+ MB free in .*\n", err)


def test_debug_shows_the_traceback_anywhere_on_the_line(run_cli):
    for arguments in (["--debug", "train", "--epochs", "0"], ["train", "--epochs", "0", "--debug"]):
        code, _, err = run_cli(*arguments)
        assert code == 2
        assert "Traceback" in err
        assert err.splitlines()[-1].startswith("tendigits: recipe field 'epochs'")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ZeroDivisionError("by\nzero"), 1, "unexpected ZeroDivisionError: by zero (--debug shows where)"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (typer.Abort(), 1, "aborted"),
    ],
)
def test_a_bug_or_ctrl_c_is_one_line_too(run_cli, monkeypatch, error, code, line):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("tendigits.data.load.load", fail)
    assert run_cli("data") == (code, "", f"tendigits: {line}\n")


def test_a_second_ctrl_c_on_the_way_out_does_not_hide_how_to_resume(run_cli, monkeypatch):
    @contextmanager
    def pool():
        try:
            yield
        finally:
            raise KeyboardInterrupt

    def fail(*_, **__):
        with pool():
            raise Interrupted("by SIGINT; resume with: tendigits train --resume runs/one")

    monkeypatch.setattr("tendigits.data.load.load", fail)
    expected = "tendigits: interrupted by SIGINT; resume with: tendigits train --resume runs/one\n"
    assert run_cli("data") == (130, "", expected)


def test_a_closed_pipe_is_no_traceback(small_npz):
    command = f"{sys.executable} -m tendigits data --data {small_npz} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr


SWALLOWED = """
import signal, sys, time
from tendigits import cli

class Finalized:
    def __del__(self):
        signal.raise_signal({number})

def finalizer():
    Finalized()

def library():
    try:
        signal.raise_signal({number})
    except Exception:
        pass

def data():
    {place}()
    time.sleep(30)

cli.app = lambda *_, **__: data()
cli.main()
"""


@pytest.mark.parametrize("place", ["finalizer", "library"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_a_finalizer_or_a_library_catches_is_not_lost(number, code, place):
    program = SWALLOWED.format(number=int(number), place=place)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert ended.returncode == code
    assert ended.stderr.startswith("tendigits: interrupted")
