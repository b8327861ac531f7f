import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from tendigits.errors import RunError
from tendigits.report.compare import (
    comparison_table,
    different_settings,
    different_tests,
    is_it_luck,
    list_table,
    run_table,
)
from tendigits.runs.run import create_run, open_run


def printed(*tables, width):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    for table in tables:
        console.print(table)
    return console.file.getvalue()


def test_a_comparison_shows_only_the_settings_that_differ(runs):
    found = [open_run(runs / "a"), open_run(runs / "b")]
    expected = {"hidden": ["16", "16, 8"], "epochs": ["2", "3"], "validation_split": ["0.0", "0.5"]}
    assert different_settings(found) == expected
    rows = [" ".join(line.split()) for line in printed(comparison_table(found), width=200).splitlines()]
    assert rows[:4] == ["a b", "hidden 16 16, 8", "epochs 2 3", "validation_split 0.0 0.5"]
    assert "parameters 12,730 12,786" in rows
    names = [row.split()[0] for row in rows[4:]]
    assert {"status", "data", "test", "95%"} <= set(names)
    assert "val_accuracy" in names  # otherwise, without a validation split, it is the test accuracy
    assert "(McNemar's exact test)" in is_it_luck(*found)
    with pytest.raises(RunError, match="two or more different runs"):
        comparison_table([found[0], found[0]])


def test_runs_that_were_tested_on_other_digits_are_told_apart(run):
    recipe, record = run.recipe(), run.record()
    data = record["data"] | {"name": "own data", "n_test": 9, "sha256": record["data"]["sha256"] | {"x_test": "0" * 64}}
    result = record["result"] | {"own_accuracy": 0.8, "n_own": 10}
    other = create_run(run.path.parent / "others", recipe, "other", datetime.now(UTC))
    other.write_record(record | {"data": data, "result": result})
    assert different_tests([run, run]) == ""
    n, name = record["data"]["n_test"], run.path.name
    on = f"{name} on {n:,} of own data; other on 9 of own data"
    assert different_tests([run, other]) == f"The test digits differ, so the accuracies do not compare: {on}."
    text = printed(comparison_table([run, other]), run_table(other), width=200)
    rows = {" ".join(line.split()) for line in text.splitlines()}
    assert rows >= {"own digits - 8 of 10", "own digits 8 of 10"}
    assert "own digits" not in printed(run_table(run), list_table(run.path.parent, 200), width=200)
    assert "8 of 10" in printed(list_table(other.path.parent, 80), width=80)


def test_at_80_columns_nothing_is_cut_off(run):
    record, recipe = run.record(), run.recipe().with_changes(name="cnn-ensemble-augmented", hidden=(512, 512, 512))
    folder, names = run.path.parent / "wide", ["2026-11-24-23-59-01", "batch-256-one-cycle-label-smoothing-0.1"]
    for i, name in enumerate(names):
        made = create_run(folder, recipe.with_changes(seed=i), name, datetime.now(UTC))
        made.write_record(record | {"status": "interrupted", "parameters": 1_669_706})
        made.write_history(run.history())
    runs = [open_run(folder / name) for name in names]
    text = printed(list_table(folder, 80), run_table(runs[0]), comparison_table(runs), width=80)
    assert all(len(line) <= 80 and "…" not in line for line in text.splitlines())
    assert text.count("interrupted") == 2 + 1 + 2
    for shown in ("1,669,706", "own data", "512, 512, 512", "seed", names[0], "batch-256"):
        assert shown in text
    assert "95% interval" in printed(list_table(folder, 200), width=200)
