"""The commands evaluate, data and runs as a person types them."""

import re

import numpy as np


def test_data_shows_mnist_or_the_counts_of_other_digits(run_cli, small_npz):
    assert run_cli("data")[:2] == (0, "MNIST: 60,000 training and 10,000 test digits\nfrom the tendigits package\n")
    code, out, _ = run_cli("data", "--data", small_npz)
    counts = np.bincount(np.load(small_npz)["y_train"])
    assert (code, out.splitlines()[0]) == (0, "own data: 600 training and 200 test digits")
    assert "train " + "  ".join(f"{digit}: {n}" for digit, n in enumerate(counts)) in out


def test_evaluate_finds_a_run_by_name(run_cli, run):
    code, out, err = run_cli("evaluate", "a", "--runs", run.path.parent)
    assert (code, err) == (0, "")
    assert re.fullmatch(rf"accuracy \d+\.\d\d% of 200 \(95% interval .*\)\n{run.path / 'report.html'}\n", out)


def test_runs_lists_shows_and_compares(run_cli, runs):
    code, out, err = run_cli("runs", "--runs", runs)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["run", "a", "b"]
    code, out, _ = run_cli("runs", "a", "--runs", runs)
    assert code == 0
    assert re.search(r"hidden +16 \(classic: 512, 512\)", out)
    assert "activation" not in out  # as classic has it
    code, out, _ = run_cli("runs", "a", runs / "b", "--runs", runs)
    assert code == 0
    assert re.search(r"epochs +2 +3", out)
    assert f"curves: {runs / 'compared.png'}" in out
    assert (runs / "compared.png").exists()


def test_runs_names_what_it_cannot_read(run_cli, tmp_path):
    code, out, err = run_cli("runs", "--runs", tmp_path)
    assert (code, out, err) == (0, f"no runs in {tmp_path}; make one with: tendigits train\n", "")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.json").write_text('{"format": 1}')
    code, _, err = run_cli("runs", "--runs", tmp_path)
    assert code == 0
    assert re.fullmatch(r"tendigits: .*old was written by another version of tendigits: .*; train again, .*\n", err)
