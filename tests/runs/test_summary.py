"""Summaries of runs; damaged runs are reported and skipped."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samples import RECORD
from tendigits.model.recipe import Recipe
from tendigits.runs.run import create_run, open_run
from tendigits.runs.summary import list_summaries, summarise

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


def test_the_list_is_oldest_first(run, tmp_path):
    older = create_run(tmp_path, Recipe(), "z-older", NOW)
    older.write_record(RECORD | {"status": "finished", "created": "2020-01-01T00:00:00+00:00"})
    (tmp_path / "not-a-run").mkdir()
    assert [found.name for found in list_summaries(tmp_path)] == ["z-older", "a"]
    assert list_summaries(tmp_path / "nothing") == []


def test_summary_of_a_run_that_was_killed_before_its_first_epoch_ended(run):
    (run.path / "history.csv").unlink()
    record = run.record()
    del record["result"]
    run.write_record(record | {"status": "running"})
    summary = summarise(run)
    assert (summary.epochs, summary.best_epoch, summary.val_loss, summary.test_accuracy) == (0, None, None, None)
    assert summary.status == "interrupted"
    with run.lock():
        assert summarise(run).status == "running"


DAMAGES = {
    "cut": ("run.json", lambda text: text[:-30]),
    "deep": ("run.json", lambda _: "[" * 100_000),
    "a time without a zone": ("run.json", lambda text: with_fields(text, created="2026-11-25")),
    "another file as the model": ("run.json", lambda text: with_fields(text, models={"../x": "0" * 64})),
    "a setting of another kind": ("recipe.json", lambda _: '{"hidden": ["x"]}'),
    "a loss that is no number": ("history.csv", lambda _: "epoch,loss\n1,nan\n"),
    "too many epochs": ("history.csv", lambda _: "epoch,loss,val_loss\n" + "1,2,3\n" * 10_001),
    "a short row": ("history.csv", lambda _: "epoch,loss,val_loss\n1,2\n"),
}


def with_fields(text, **fields):
    return json.dumps(json.loads(text) | fields)


@pytest.mark.parametrize(("name", "damage"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_run_is_reported_and_the_others_are_listed(run, name, damage):
    create_run(run.path.parent, Recipe(), "good", NOW).write_record(RECORD)
    (run.path / name).write_text(damage((run.path / name).read_text()))
    errors = []
    assert [found.name for found in list_summaries(run.path.parent, errors.append)] == ["good"]
    (error,) = errors
    assert str(run.path) in str(error)
    assert name in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 600


def test_a_link_to_a_run_and_a_name_that_is_not_utf_8_are_reported_and_not_listed(run, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "linked").symlink_to(run.path)
    create_run(tmp_path / "runs", Recipe(), "\udcff", NOW).write_record(RECORD)  # how Python names the byte ff
    create_run(tmp_path / "runs", Recipe(), "good", NOW).write_record(RECORD)
    errors = []
    assert [found.name for found in list_summaries(tmp_path / "runs", errors.append)] == ["good"]
    assert ["linked: expected a file inside" in str(errors[0]), "rename the folder" in str(errors[1])] == [True, True]
    assert summarise(open_run(tmp_path / "runs" / "linked")).name == "a"  # the user named it


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)


@example("durations", {"\n": "x"})
@given(st.sampled_from([*RECORD, "result", "models", "best_epoch", "evaluated"]), JSON)
def test_any_field_may_hold_anything(tmp_path_factory, name, value):
    """The run is listed, and its summary is valid JSON, or it is reported."""
    run = create_run(tmp_path_factory.mktemp("runs"), Recipe(), "one", NOW)
    (run.path / "run.json").write_text(json.dumps(RECORD | {name: value}))
    errors = []
    found = list_summaries(run.path.parent, errors.append)
    assert len(found) + len(errors) == 1
    json.dumps([asdict(summary) for summary in found], allow_nan=False)
    assert all("\n" not in str(error) for error in errors)
