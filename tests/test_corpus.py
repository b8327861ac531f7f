"""Pictures of all kinds, and what the reader says of each; see tests/corpus/README.md.

What is expected is text without confidences, and no picture lies near a decision, so that every processor agrees.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from corpus import CORPUS, PICTURES, said_of
from tendigits.digits.runtime import OnnxNetwork

EXPECTED = (".txt", ".csv")
CHANGE = 1e-3  # of a network's input, whose contrast is 1: far below one level of grey


def expected_of(path: Path) -> dict[str, str]:
    files = {suffix: path.with_suffix(suffix) for suffix in EXPECTED}
    return {suffix: file.read_text(encoding="utf-8") for suffix, file in files.items() if file.exists()}


@pytest.mark.parametrize("path", PICTURES, ids=[path.relative_to(CORPUS).as_posix() for path in PICTURES])
def test_a_picture_is_read_as_before(path):
    assert said_of(path) == expected_of(path), f"if the change is meant: python tools/corpus.py {path.name}"


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "offset"), [(1 - CHANGE, 0), (1 + CHANGE, 0), (1, CHANGE), (1, -CHANGE)])
def test_no_picture_lies_near_a_decision(factor, offset, monkeypatch):
    """Networks differ a little from one processor to another: an Intel Xeon read 3 pictures not as an AMD EPYC did."""
    run = OnnxNetwork.__call__
    monkeypatch.setattr(OnnxNetwork, "__call__", lambda self, x: run(self, np.float32(factor) * x + np.float32(offset)))
    near = [path.name for path in PICTURES if said_of(path) != expected_of(path)]
    assert near == [], "move them by a few pixels, or scale them a little"


def test_every_expected_text_has_one_picture():
    names = [path.with_suffix("") for path in PICTURES]
    assert len(names) == len(set(names)), "two pictures would share one text"
    texts = [path for path in CORPUS.rglob("*") if path.suffix in EXPECTED]
    assert {path.with_suffix("") for path in texts} == set(names)


def test_the_readmes_list_of_misread_pictures_names_pictures():
    listed = re.findall(r"^\| `(.+?)` \|", (CORPUS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed
    assert not {CORPUS / name for name in listed} - set(PICTURES)
