"""The commands evaluate, data and runs as a person types them."""

import re

import numpy as np


def test_data_is_mnist_if_not_told_otherwise(run_cli):
    code, out, _ = run_cli("data")
    assert (code, out) == (0, "MNIST: 60,000 training and 10,000 test digits\nfrom the tendigits package\n")


def test_data_counts_each_class_of_own_data(run_cli, small_npz):
    code, out, _ = run_cli("data", "--data", small_npz)
    assert code == 0
    counts = np.bincount(np.load(small_npz)["y_train"])
    assert f"own data: 600 training and 200 test digits\nfrom {small_npz}\n" in out
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
    assert re.fullmatch(r"tendigits: .*old was written by an older version of tendigits: .*; train again, .*\n", err)
