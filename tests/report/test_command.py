"""The commands data and runs where they say something else than in tests/frozen/text."""

import re


def test_data_is_mnist_where_no_other_is_named(run_cli):
    assert run_cli("data")[:2] == (0, "MNIST: 60,000 training and 10,000 test digits\nfrom the tendigits package\n")


def test_runs_shows_the_settings_that_differ(run_cli, runs):
    code, out, _ = run_cli("runs", "a", runs / "b", "--runs", runs)
    assert code == 0
    assert re.search(r"epochs +2 +3", out)
    assert (runs / "compared.png").exists()


def test_runs_names_what_it_cannot_read(run_cli, tmp_path):
    code, out, err = run_cli("runs", "--runs", tmp_path)
    assert (code, out, err) == (0, f"no runs in {tmp_path}; make one with: tendigits train\n", "")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.json").write_text('{"format": 1}')
    code, _, err = run_cli("runs", "--runs", tmp_path)
    assert code == 0
    assert re.fullmatch(r"tendigits: .*old was written by another version of tendigits: .*; train again, .*\n", err)
