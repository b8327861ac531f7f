import signal
import subprocess
import sys
import time

import pytest


def test_the_name_is_one_of_a_folder(run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.toml").write_text("epochs = [2, 3]")
    code, _, errors = run_cli("sweep", "--space", "space.toml", "--name", tmp_path, "--data", "missing.npz")
    assert (code, "expected a plain name for the run" in errors) == (2, True)


@pytest.mark.slow
def test_ctrl_c_explains_how_to_continue(small_npz, tmp_path):
    (tmp_path / "tiny.toml").write_text("hidden = [16]\nvalidation_split = 0.2\nbatch_size = 20\npatience = 9999\n")
    (tmp_path / "space.toml").write_text("epochs = [5000, 6000]")
    options = ["--recipe", "tiny.toml", "--space", "space.toml", "--data", str(small_npz)]
    line = [sys.executable, "-m", "tendigits", "sweep", *options]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    history = tmp_path / "runs" / "sweep" / "trials" / "000" / "history.csv"
    deadline = time.monotonic() + 60
    while not history.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "tendigits: interrupted by SIGINT; run the same command again to continue\n"
