import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from tendigits.errors import RunError
from tendigits.report.command import print_comparison, print_list, print_run
from tendigits.report.compare import compare_runs
from tendigits.runs.run import create_run, open_run


def test_a_comparison_shows_only_the_settings_that_differ(runs):
    found = compare_runs([open_run(runs / "a"), open_run(runs / "b")])
    assert found.names == ["a", "b"]
    assert found.settings == [
        ("hidden", ["16", "16, 8"]), ("epochs", ["2", "3"]), ("validation_split", ["0.0", "0.25"]),
    ]  # fmt: skip
    results = dict(found.results)
    assert "val_accuracy" in results  # otherwise, without a validation split, it is the test accuracy
    assert {"status", "data", "parameters", "test accuracy", "95% interval"} <= set(results)
    assert results["parameters"] == ["12,730", "12,786"]
    assert found.is_it_luck is not None
    assert "such tests (McNemar's exact test" in found.is_it_luck
    with pytest.raises(RunError, match="two or more different runs"):
        compare_runs([open_run(runs / "a"), open_run(runs / "a")])


@pytest.fixture
def wide(run):
    """Runs with realistic long names."""
    record, recipe = run.record(), run.recipe().with_changes(name="cnn-ensemble-augmented", hidden=(512, 512, 512))
    record |= {"status": "interrupted", "parameters": 1_669_706}
    record["data"]["name"] = "own data"
    record["durations"]["fit"] = 12345.6
    folder = run.path.parent / "wide"
    for i in range(5):
        name = f"2026-11-24-23-59-0{i}" if i else "batch-256-one-cycle-label-smoothing-0.1"
        made = create_run(folder, recipe.with_changes(seed=i), name, datetime.now(UTC))
        made.write_record(record)
        made.write_history(run.history())
    return folder


def test_at_80_columns_nothing_is_cut_off(wide, capsys):
    console = Console(file=io.StringIO(), width=80, highlight=False)
    runs = [open_run(path) for path in sorted(wide.iterdir())]
    print_list(console, wide)
    print_run(console, runs[0])
    print_comparison(console, runs)
    text = console.file.getvalue()
    assert all(len(line) <= 80 and "…" not in line for line in text.splitlines())
    for run in runs:
        assert text.count(run.path.name) >= 2
    assert text.count("interrupted") == 5 + 1 + 5
    for shown in ("95% interval", "1,669,706", "own data", "512, 512, 512", "seed"):
        assert shown in text
    assert capsys.readouterr().out.startswith("in a wider terminal also: ")
