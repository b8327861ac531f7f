"""`tendigits teach`: too few corrections, accept, roll back, export, and a fine-tuning."""

import json

import pytest
from typer.testing import CliRunner

from helpers import NOW, changed, correction
from tendigits.cli import app
from tendigits.errors import TendigitsError
from tendigits.read.network import bundled_file, load_network
from tendigits.teach import command
from tendigits.teach.migrations import open_store


def call(*arguments: str):
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_too_few_corrections_are_told_before_anything_is_loaded(store, place):
    said = r"at least 5 corrections in sqlite:///.*, found 0; make some: tendigits serve"
    with pytest.raises(TendigitsError, match=said):
        call("teach", "--store", place)


def test_accept_roll_back_and_export(store, place, tmp_path):
    taught = store.add_network(changed(1.01), "base", {}, NOW)
    with pytest.raises(TendigitsError, match="number 9, there is none"):
        call("teach", "--store", place, "--accept", "9")
    with pytest.raises(TendigitsError, match="the package's own reads"):
        call("teach", "--store", place, "--rollback")
    assert call("teach", "--store", place, "--export", str(tmp_path / "a.onnx")).exit_code == 0
    assert (tmp_path / "a.onnx").read_bytes() == bundled_file()
    said = call("teach", "--store", place, "--accept", str(taught.id)).output
    assert said == "the taught network 1 reads from now on; back with: tendigits teach --rollback\n"
    call("teach", "--store", place, "--export", str(tmp_path / "b.onnx"))
    assert (tmp_path / "b.onnx").read_bytes() == changed(1.01)
    assert load_network(tmp_path / "b.onnx").threshold > 0.5
    assert call("teach", "--store", place, "--rollback").output == "the network of the package reads again\n"


def test_one_thing_at_a_time(place):
    with pytest.raises(TendigitsError, match="expected one of --accept, --rollback and --export"):
        call("teach", "--store", place, "--accept", "1", "--rollback")


def test_a_lesson_is_told_to_a_person_and_to_a_program(store, place, digits, monkeypatch):
    report = {
        "held_out": {"n": 4, "before": 0.75, "after": 1.0}, "mnist": {"n": 1000, "before": 0.996, "after": 0.9955},
        "learned": 16, "data": "MNIST", "seconds": 31.2,
    }  # fmt: skip

    def lesson(opened, dataset, say, now):
        say({"stage": "prepare", "corrections": 20, "learned": 16, "held_out": 4})
        say({"stage": "learn", "epoch": 0, "epochs": 4})
        say({"stage": "learn", "epoch": 1, "epochs": 4, "loss": 0.1234})
        say({"stage": "judge"})
        say({"stage": "done", "network": 1, "report": report})
        return opened.add_network(b"x", "base", report, now())

    monkeypatch.setattr("tendigits.teach.lesson.give_lesson", lesson)
    store.add([correction(crop, 1) for crop in digits.x_train[:20]])
    text = call("teach", "--store", place).output
    for line in (
        "20 corrections: 16 to learn from, 4 to judge by",
        "pass 1 of 4, loss 0.1234",
        "corrections held out         75.00% -> 100.00% of 4 right",
        "test digits of MNIST         99.60% -> 99.55% of 1,000 right",
        "taught network 1, in 31 s",
        "use it: tendigits teach --accept 1",
    ):
        assert line in text.splitlines()
    lines = [json.loads(line) for line in call("teach", "--store", place, "--json").stdout.splitlines()]
    assert [line["stage"] for line in lines] == ["prepare", "learn", "learn", "judge", "done"]


def test_where_corrections_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert command.store_url(None) == str(tmp_path / "tendigits" / "corrections.db")
    assert command.store_url("postgresql://a/b") == "postgresql://a/b"


def test_a_store_on_a_path_that_is_none(tmp_path):
    with pytest.raises(TendigitsError):
        call("teach", "--store", str(tmp_path))
    opened = open_store(tmp_path / "made.db")
    opened.close()
