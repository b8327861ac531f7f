import json

import numpy as np
import pytest

from tendigits.errors import RunError
from tendigits.report.mcnemar import mcnemar, mcnemar_of_runs
from tendigits.runs.run import open_run


@pytest.mark.parametrize(("a", "b"), [(0, 0), (0, 1), (0, 6), (3, 9), (40, 40), (120, 89), (2000, 1700), (5000, 1)])
def test_the_p_value_against_scipys_exact_binomial_test(a, b):
    from scipy.stats import binomtest

    both = range(50)
    verdict = mcnemar([*both, *range(100, 100 + b)], np.array([*both, *range(6000, 6000 + a)]), 12_000)
    assert (verdict.only_first, verdict.only_second) == (a, b)
    assert verdict.p == pytest.approx(binomtest(a, a + b).pvalue if a + b else 1.0, rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([1, 2], [2, 1], "A and B misread the same of 1,000 test digits"),
        ([1], [2], "read equally many of 1,000 test digits. 1 are read correctly only by A, 1 only by B."),
        (range(9), range(1), "B reads 8 of 1,000 test digits more than A. 0 are read correctly only by A, 8 only by B. "
                             "Is it luck? Hardly: the probability that two equally good networks differ by this much "
                             "or more is 0.0078"),
        (range(2), range(5), "It may well be: "),
        ([], range(60), "is less than 0.001"),
    ],
)  # fmt: skip
def test_the_verdict_in_words(first, second, words):
    assert words in mcnemar(first, second, 1000).words


def test_runs_are_compared_by_their_reports(run, runs):
    other = open_run(runs / "b")
    verdict = mcnemar_of_runs(run, other)
    wrong = [set(json.loads((each.path / "report.json").read_text())["wrong"]) for each in (run, other)]
    assert verdict.names == ("a", "b")
    assert (verdict.only_first, verdict.only_second) == (len(wrong[1] - wrong[0]), len(wrong[0] - wrong[1]))
    errors = [round((1 - each.record()["result"]["test_accuracy"]) * 200) for each in (run, other)]
    assert [len(each) for each in wrong] == errors


def test_runs_that_cannot_be_compared(run, runs):
    other = open_run(runs / "b")
    for damaged in ("{}", '{"wrong": [1e999], "n": 9}', '{"wrong": [9], "n": 9}', "[" * 10**5):
        (run.path / "report.json").write_text(damaged)
        with pytest.raises(RunError, match="has no report with the misread digits; write it with: tendigits evaluate"):
            mcnemar_of_runs(run, other)
    record = run.record()
    record["data"]["sha256"]["x_test"] = "0" * 64
    run.write_record(record)
    with pytest.raises(RunError, match="the same test digits"):
        mcnemar_of_runs(run, other)
