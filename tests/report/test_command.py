"""The commands data and runs where they say something else than in tests/frozen/text."""

import re

from PIL import Image


def test_data_is_mnist_where_no_other_is_named(run_cli):
    assert run_cli("data")[:2] == (0, "MNIST: 60,000 training and 10,000 test digits\nfrom the tendigits package\n")


def test_runs_replaces_no_picture_that_a_person_named(run_cli, runs, tmp_path):
    photo, link = tmp_path / "photo.png", tmp_path / "link.png"
    Image.new("L", (9, 9)).save(photo)
    link.symlink_to(runs / "a" / "history.csv")
    own = runs / "a" / "curves.png"
    before = {path: path.read_bytes() for path in (photo, link, own)}
    for path, message in ((photo, "would replace"), (own, "would overwrite"), (link, "would overwrite")):
        code, out, err = run_cli("runs", "a", "b", "--runs", runs, "--picture", path)
        assert (code, out, f"--picture {message} {path}" in err) == (2, "", True), err
    assert before == {path: path.read_bytes() for path in before}
    assert run_cli("runs", "a", "b", "--runs", runs, "--picture", photo, "--overwrite")[0] == 0
    for _ in range(2):
        assert run_cli("runs", "b", "a", "--runs", runs)[0] == 0  # runs/compared.png is ours


def test_runs_names_what_it_cannot_read(run_cli, tmp_path):
    code, out, err = run_cli("runs", "--runs", tmp_path)
    assert (code, out, err) == (0, f"no runs in {tmp_path}; make one with: tendigits train\n", "")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.json").write_text('{"format": 1}')
    code, _, err = run_cli("runs", "--runs", tmp_path)
    assert code == 0
    assert re.fullmatch(r"tendigits: .*old was written by another version of tendigits: .*; train again, .*\n", err)
