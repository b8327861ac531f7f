"""The command as a person types it; in this process where that shows the same."""

import json
import re
import subprocess
import sys

import pytest
import typer
from typer.main import get_command

from tendigits import cli
from tendigits.model.recipe import Recipe
from tendigits.report.run import open_run

SMALL = ["--hidden", "16", "--epochs", "2", "--learning-rate", "0.003"]


def test_help_of_every_command(run_cli):
    for command in ("", *get_command(cli.app).commands):
        code, out, _ = run_cli(*command.split(), "--help")
        assert code == 0
        assert "Usage" in out


def test_no_arguments_show_the_help(run_cli):
    code, out, _ = run_cli()
    assert code == 0
    for command in ("train", "evaluate", "data", "runs"):
        assert command in out


def test_version(run_cli):
    code, out, _ = run_cli("--version")
    assert (code, out) == (0, "tendigits 0.1.0\n")


def test_train_in_a_pipe_is_a_clean_line_an_epoch(run_cli, small_npz, tmp_path):
    code, out, err = run_cli("train", "--data", small_npz, "--runs", tmp_path, "--name", "one", *SMALL)
    assert (code, err) == (0, "")
    lines = [line for line in out.splitlines() if re.match(r" ?\d+/2 ", line)]
    number = r"\d\.\d{4}"
    for line in lines:
        assert re.fullmatch(
            rf" \d/2  loss {number}  accuracy {number}  val_loss {number}  val_accuracy {number}  \d+\.\d s", line
        )
    assert len(lines) == 2
    assert "\b" not in out
    assert "\x1b" not in out
    assert "\r" not in out
    for shown in ("model.keras", "model.h5", "95% interval", str(tmp_path / "one")):
        assert shown in out
    assert open_run(tmp_path / "one").recipe() == Recipe(hidden=(16,), epochs=2, learning_rate=0.003)


def test_json_prints_one_line_an_epoch(run_cli, small_npz, tmp_path):
    code, out, err = run_cli("train", "--data", small_npz, "--runs", tmp_path, "--name", "one", "--json", *SMALL)
    assert (code, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    history = open_run(tmp_path / "one").history()
    for i, line in enumerate(lines):
        assert {key: line[key] for key in history} == {key: values[i] for key, values in history.items()}
        assert line["run"] == str(tmp_path / "one")
        assert line["epochs"] == 2
        assert line["seconds"] > 0


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
    ("arguments", "said"),
    [
        (["train", "--epochs", "0"], "recipe field 'epochs': expected greater than or equal to 1, received 0"),
        (["train", "--epochs", "many"], "--epochs must be a whole number, received many."),
        (["train", "--hidden", "a,b"], "--hidden: expected numbers with commas between"),
        (["train", "--epoch", "3"], "No such option: --epoch (Possible options: --epochs)"),
        (["train", "--recipe", "clasic"], "expected a known recipe (classic, "),
        (["train", "--data", "nothing.npz"], "there is nothing at nothing.npz"),
        (["train", "--quiet", "--json"], "expected --quiet or --json, received both"),
        (["train", "--name", "../x", "--data", "SMALL"], "expected a plain name"),
        (["train", "--resume", "nothing"], "expected a run folder, there is none at nothing"),
        (
            ["train", "--resume", "x", "--epochs", "3"],
            "--resume takes recipe and data from the run; leave out --epochs",
        ),
        (["train", "--resume", "x", "--recipe", "classic"], "leave out --recipe"),
        (["evaluate", "nothing"], "expected a run's folder or its name in runs, received nothing"),
        (["evaluate"], "Missing argument 'RUN'"),
        (["runs", "a", "b"], "expected a run's folder or its name in runs, received a"),
        (["data", "--data", "nothing"], "there is nothing at nothing"),
        (["nonsense"], "No such command 'nonsense'."),
        (["serve", "--port", "99999"], "--port must be 0 to 65535, received 99999."),
        (["train", "--metrics", ""], "recipe field 'metrics': expected at least 1 item, received ()"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run_cli, arguments, said, tmp_path, monkeypatch, small_npz):
    monkeypatch.chdir(tmp_path)
    code, _, err = run_cli(*[small_npz if a == "SMALL" else a for a in arguments])
    assert code == 2
    assert said in err
    assert err.startswith("tendigits: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_one_line_and_exit_code_1(run_cli, small_npz, tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 0))
    code, _, err = run_cli("train", "--data", small_npz, "--runs", tmp_path, "--quiet")
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


def test_a_closed_pipe_is_no_traceback(small_npz):
    command = f"{sys.executable} -m tendigits data --data {small_npz} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr


SWALLOWED = """
import signal, sys, time
from tendigits import cli

class Finalized:
    def __del__(self):
        signal.raise_signal(signal.{name})

def data():
    Finalized()
    time.sleep(30)

cli.app = lambda *_, **__: data()
cli.main()
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_comes_in_a_finalizer_is_not_lost(name, code):
    ended = subprocess.run([sys.executable, "-c", SWALLOWED.format(name=name)], capture_output=True, timeout=20)
    assert ended.returncode in (code, -code + 128)
    assert b"Exception ignored" not in ended.stderr


def test_another_error_in_a_finalizer_is_told():
    failing = SWALLOWED.replace("signal.raise_signal(signal.{name})", "raise ValueError(3)").replace("30", "0")
    ended = subprocess.run([sys.executable, "-c", failing], capture_output=True, timeout=20)
    assert ended.returncode == 0
    assert b"Exception ignored" in ended.stderr
    assert b"ValueError: 3" in ended.stderr
