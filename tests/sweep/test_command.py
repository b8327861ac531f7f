import signal
import subprocess
import sys
import time

import pytest


@pytest.fixture
def line(tmp_path, small_npz) -> list[str]:
    (tmp_path / "tiny.toml").write_text("hidden = [16]\nepochs = 2\nvalidation_split = 0.2\nbatch_size = 20\n")
    (tmp_path / "space.toml").write_text("learning_rate = [0.001, 0.01]")
    options = ["--recipe", "tiny.toml", "--space", "space.toml", "--data", str(small_npz)]
    return [sys.executable, "-m", "tendigits", "sweep", *options]


@pytest.mark.slow
def test_a_search_and_its_best_recipe(line, tmp_path):
    ended = subprocess.run([*line, "--trials", "2"], capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    first, second, plot, best, *_ = ended.stdout.splitlines()
    assert first.startswith("trial 0: finished 2 ")
    assert second.startswith("trial 1: finished 2 ")
    assert "learning_rate 0.0" in second
    assert plot == "runs/sweep/search.png"
    assert best.endswith("train it: tendigits train --recipe runs/sweep/best.toml")


@pytest.mark.slow
def test_ctrl_c_explains_how_to_continue(line, tmp_path):
    with (tmp_path / "tiny.toml").open("a") as file:
        file.write("patience = 9999\n")
    (tmp_path / "space.toml").write_text("epochs = [5000, 6000]")
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    history = tmp_path / "runs" / "sweep" / "trials" / "000" / "history.csv"
    deadline = time.monotonic() + 60
    while not history.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "tendigits: interrupted by SIGINT; run the same command again to continue\n"
