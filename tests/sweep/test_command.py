"""`tendigits sweep` as a person types it."""

import io
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from tendigits.model.recipe import load_recipe
from tendigits.sweep import command
from tendigits.sweep.study import Trial


@pytest.fixture
def sweep(tmp_path, small_npz):
    def call(space: str, *arguments):
        (tmp_path / "space.toml").write_text(space)
        (tmp_path / "tiny.toml").write_text("hidden = [16]\nepochs = 2\nvalidation_split = 0.2\nbatch_size = 20\n")
        line = [sys.executable, "-m", "tendigits", "sweep", "--recipe", "tiny.toml", "--space", "space.toml"]
        line += ["--data", str(small_npz), *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, timeout=300)

    return call


def test_a_search_and_its_best_recipe(sweep, tmp_path):
    ended = sweep("learning_rate = [0.001, 0.01]", "--trials", 2, "--name", "found")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("trial 0: finished 2 ")
    assert lines[1].startswith("trial 1: finished 2 ")
    assert "learning_rate 0.0" in lines[1]
    assert lines[2] == "runs/found/search.png"
    assert "tendigits train --recipe runs/found/best.toml" in lines[3]
    assert load_recipe(str(tmp_path / "runs" / "found" / "best.toml")).hidden == (16,)
    again = sweep("learning_rate = [0.001, 0.01]", "--trials", 2, "--name", "found")
    assert again.returncode == 0
    assert "trial" not in again.stdout


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(sweep, tmp_path, small_npz):
    (tmp_path / "space.toml").write_text("learning_rate = [0.001, 0.01]")
    (tmp_path / "long.toml").write_text("hidden = [16]\nepochs = 3000\npatience = 3000\nvalidation_split = 0.2\n")
    line = [sys.executable, "-m", "tendigits", "sweep", "--recipe", "long.toml", "--space", "space.toml"]
    process = subprocess.Popen(
        [*line, "--data", str(small_npz)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    history = tmp_path / "runs" / "sweep" / "trials" / "000" / "history.csv"
    deadline = time.monotonic() + 60
    while not history.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "tendigits: interrupted by SIGINT; the same command goes on where it was\n"


@pytest.mark.parametrize(
    ("space", "arguments", "said"),
    [
        ("learning_rat = [0.1, 0.2]", (), "the knob 'learning_rat' is unknown"),
        ("dropout = { low = 0.5, high = 2.0 }", (), "recipe field 'dropout'"),
        ("dropout = [0.1, 0.2]", ("--trials", 0), "--trials"),
        ("dropout = [0.1, 0.2]", ("--recipe", "clasic"), "did you mean 'classic'?"),
    ],
)
def test_impossible_wishes_are_one_line(sweep, space, arguments, said):
    ended = sweep(space, *arguments)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert said in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ray=nowhere"], "--ray: expected local, auto, HOST:PORT or ray://HOST:PORT, received 'nowhere'"),
        (["--ray", "localhost:1"], "no Ray cluster at localhost:1: "),
    ],
)
def test_a_cluster_that_is_none(sweep, arguments, said):
    ended = sweep("epochs = [1, 2]", *arguments)
    assert ended.returncode in (1, 2)
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_the_live_table_has_the_best_first_and_the_running_one_above():
    trials = [Trial(i, "finished", 3, 0.9 + i / 1000, {"dropout": 0.1234567}) for i in range(30)]
    trials += [Trial(30, "running", 1, 0.5, {"hidden": "[8]"}), Trial(31, "pruned", 1, 0.1, {})]
    console = Console(width=100, file=io.StringIO())
    console.print(command._table(trials))
    lines = console.file.getvalue().splitlines()
    assert lines[1].split()[:3] == ["30", "running", "1"]
    assert lines[2].split() == ["29", "finished", "3", "92.90%", "0.1235"]
    assert len(lines) == 1 + 1 + command.ROWS + 1
    assert "31 tried" in lines[-1]
