"""No picture of at most 1 MB costs more than 2 seconds of a processor, or 600 MB, or anything but a DataError.

On a quiet machine, as bench/robustness.py measures it; here there is ROOM for a slower one and for what runs beside. A
picture that seems too dear is read twice, and the lesser time counts.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import robustness
from hostile_pictures import DRAWINGS, FAMILIES, LARGEST, as_file, compose
from robustness import Cost, Measured, pictures

EACH = 4
"""Pictures of each family."""

ROOM = 2.5
"""Times the seconds; where another test runs on the same core's other thread, up to 1.8 were seen."""

ROOM_MB = 1.25
"""Times the memory of a composed page: 667 MB were seen once."""


@pytest.fixture(scope="module")
def measured():
    with Measured() as process:
        yield process


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_no_picture_costs_more_than_2_seconds_or_600_mb(measured, family):
    found = [measured.cost(name, data) for name, data in pictures(EACH, 1, [family])]
    assert all(cost.size <= LARGEST for cost in found)
    assert not [(wrong, cost) for cost in found if (wrong := cost.wrong_beyond(ROOM))]


@pytest.mark.slow
@settings(derandomize=True, max_examples=40)  # a test finds what comes back; what is new, the bench
@given(
    st.lists(st.tuples(st.sampled_from(sorted(DRAWINGS)), st.integers(0, 2**32 - 1)), min_size=1, max_size=4),
    st.booleans(),
    st.booleans(),
)
def test_nor_does_any_page_that_is_composed_of_them(measured, parts, side_by_side, inverted):
    page = compose([DRAWINGS[name](np.random.default_rng(seed)) for name, seed in parts], side_by_side=side_by_side)
    data = as_file(255 - page if inverted else page, np.random.default_rng(0))
    cost = measured.cost("composed", data)
    assert cost.wrong_beyond(ROOM, ROOM_MB) is None, cost


def test_the_same_seed_draws_the_same_picture_of_at_most_1_mb():
    few = ["grid", "thin", "damaged", "false claims"]
    first, second = ([*pictures(8, seed=3, families=few)] for _ in range(2))
    assert first == second
    assert len({data for _, data in first}) > 4
    assert all(0 < len(data) <= LARGEST for _, data in first)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, None),
        ({"outcome": "refused"}, None),
        ({"outcome": "MemoryError: "}, "MemoryError: "),
        ({"digit": 2.1}, "2.10 s of a processor"),
        ({"read": 2.1}, "2.10 s of a processor"),
        ({"peak": 601}, "601 MB"),
    ],
)
def test_what_a_picture_may_cost(changes, wrong):
    cost = Cost(**{"name": "a (0, 1)", "size": 9, "outcome": "read", "read": 1.9, "digit": 0.1, "peak": 600} | changes)
    assert cost.wrong == wrong


def test_a_picture_that_ends_its_process_is_one_that_went_wrong_and_the_next_is_read(monkeypatch, tmp_path):
    script = tmp_path / "bench" / "peers" / "reading_process.py"
    script.parent.mkdir(parents=True)
    script.write_text(
        "import sys\n"
        "while head := sys.stdin.buffer.read(8):\n"
        "    data = sys.stdin.buffer.read(int.from_bytes(head, 'little'))\n"
        "    if data == b'bad': sys.exit(3)\n"
        "    if data == b'slow': import time; time.sleep(60)\n"
        '    print(\'{"outcome": "read", "read": 1, "digit": 1, "peak": 1}\', flush=True)\n'
    )
    monkeypatch.setattr(robustness, "ROOT", tmp_path)
    monkeypatch.setattr(robustness, "PATIENCE", 1)
    with Measured() as process:
        costs = [process.cost(name, name.encode()) for name in ("good", "bad", "good", "slow", "good")]
    assert [cost.wrong for cost in costs] == [None, "killed its process (3)", None, "not read in 1 s", None]
