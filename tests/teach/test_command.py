"""`tendigits teach`: accept, roll back and export networks, and report the progress of fine-tuning."""

import json

import pytest
from typer.testing import CliRunner

from samples import NOW, changed, correction
from tendigits.cli import app
from tendigits.digits.network import bundled_file, load_network
from tendigits.errors import TendigitsError
from tendigits.teach.command import store_location
from tendigits.teach.store import Store


def call(*arguments: str):
    result = CliRunner().invoke(app, ["teach", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_accept_roll_back_and_export(store, place, tmp_path):
    tuned = store.add_network(changed(1.01), "base", {}, NOW)
    with pytest.raises(TendigitsError, match="received 9; there is no such network"):
        call("--store", place, "--accept", "9")
    with pytest.raises(TendigitsError, match="the package's own is active"):
        call("--store", place, "--rollback")
    with pytest.raises(TendigitsError, match="expected only one of --accept, --rollback, --export and --threshold"):
        call("--store", place, "--accept", "1", "--rollback")
    assert call("--store", place, "--export", str(tmp_path / "a.onnx")).exit_code == 0
    assert (tmp_path / "a.onnx").read_bytes() == bundled_file()
    output = call("--store", place, "--accept", str(tuned.id)).output
    assert output == "the fine-tuned network 1 is active now; undo with: tendigits teach --rollback\n"
    call("--store", place, "--export", str(tmp_path / "b.onnx"))
    assert (tmp_path / "b.onnx").read_bytes() == changed(1.01)
    assert load_network(tmp_path / "b.onnx").threshold > 0.5
    assert call("--store", place, "--rollback").output == "the package's own network is active again\n"


def test_a_threshold_is_kept_for_the_page(tmp_path):
    place = tmp_path / "a.db"
    with pytest.raises(TendigitsError, match="expected a confidence from 0 to 1 for --threshold, or auto, received 71"):
        call("--store", str(place), "--threshold", "71")
    assert not place.exists()
    for given, kept, said in (("0.71", 0.71, "from 0.71 on"), ("auto", None, "as by default")):
        output = call("--store", str(place), "--threshold", given).output
        assert output == f"the page and the API accept {said}\n"
        assert Store(place).threshold() == kept


def test_an_export_replaces_a_file_only_if_the_user_says_so(store, place, tmp_path):
    mine, link = tmp_path / "mine.onnx", tmp_path / "link.onnx"
    mine.write_bytes(b"my network")
    link.symlink_to(place)
    for path, message in ((mine, "would replace"), (link, "would overwrite"), (place, "expected a name ending in")):
        with pytest.raises(TendigitsError, match=message):
            call("--store", place, "--export", str(path))
    assert mine.read_bytes() == b"my network"
    assert call("--store", place, "--export", str(mine), "--overwrite").exit_code == 0


def test_a_network_that_misreads_is_neither_accepted_nor_exported(store, place, tmp_path):
    good, bad = (store.add_network(changed(factor), "base", {}, NOW) for factor in (1.01, -1.0))
    with pytest.raises(TendigitsError, match="the fine-tuned network 2: expected at least 90% of 200 known digits"):
        call("--store", place, "--accept", str(bad.id))
    assert store.active_network() is None
    for number in (good.id, bad.id):
        store.accept(number, NOW)
    result = call("--store", place, "--export", str(tmp_path / "a.onnx"))
    assert result.stdout == f"{tmp_path / 'a.onnx'}: the fine-tuned network 1\n"
    assert "the one accepted before it reads" in result.stderr
    assert (tmp_path / "a.onnx").read_bytes() == changed(1.01)


def test_progress_for_a_person_and_for_a_program(store, place, digits, monkeypatch):
    report = {"held_out": {"n": 4, "before": 0.75, "after": 1.0}, "learned": 16, "data": "MNIST", "seconds": 31.2}

    def fine_tune_reader(opened, dataset, progress, now):
        progress({"stage": "prepare", "corrections": 20, "learned": 16, "held_out": 4})
        progress({"stage": "train", "epoch": 0, "epochs": 4})
        progress({"stage": "train", "epoch": 1, "epochs": 4, "loss": 0.1234})
        progress({"stage": "evaluate"})
        progress({"stage": "done", "network": 1, "report": report})

    monkeypatch.setattr("tendigits.teach.pipeline.fine_tune_reader", fine_tune_reader)
    monkeypatch.setattr("tendigits.data.load.load", lambda _: digits)
    store.add([correction(crop, 1) for crop in digits.x_train[:20]])
    text = call("--store", place).output
    assert "epoch 1 of 4\n" in text
    assert "held-out digits              75.00% -> 100.00% of 4 correct" in text
    assert "read with it: tendigits teach --accept 1" in text
    lines = [json.loads(line) for line in call("--store", place, "--json").stdout.splitlines()]
    assert [line["stage"] for line in lines] == ["prepare", "train", "train", "evaluate", "done"]


def test_where_corrections_are_stored(store, place, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert store_location(None) == str(tmp_path / "tendigits" / "corrections.db")
    monkeypatch.setenv("TENDIGITS_STORE", place)
    with pytest.raises(TendigitsError, match=r"at least 5 corrections in .*corrections\.db, found 0; make some: tend"):
        call()
    with pytest.raises(TendigitsError, match="found no such file"):  # the option wins over the variable
        call("--store", str(tmp_path / "missing.db"))
    with pytest.raises(TendigitsError, match=r"expected a file for --store, received a URL \(postgresql://...\); name"):
        call("--store", "postgresql://me:secret@a/b")
