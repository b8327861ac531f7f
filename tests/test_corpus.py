"""Pictures of all kinds, and what the reader says of each; see tests/corpus/README.md.

What is expected is text without confidences, and no picture lies near a decision, so that every processor agrees.
"""

import re

import pytest

from corpus import CORPUS, PICTURES, said_of

EXPECTED = (".txt", ".csv")


@pytest.mark.parametrize("path", PICTURES, ids=[path.relative_to(CORPUS).as_posix() for path in PICTURES])
def test_a_picture_is_read_as_before(path):
    expected = {
        suffix: path.with_suffix(suffix).read_text(encoding="utf-8")
        for suffix in EXPECTED
        if path.with_suffix(suffix).exists()
    }
    assert said_of(path) == expected, f"if the change is meant: python tools/corpus.py {path.name}"


def test_every_expected_text_has_one_picture():
    names = [path.with_suffix("") for path in PICTURES]
    assert len(names) == len(set(names)), "two pictures would share one text"
    texts = [path for path in CORPUS.rglob("*") if path.suffix in EXPECTED]
    assert {path.with_suffix("") for path in texts} == set(names)


def test_the_readmes_list_of_misread_pictures_names_pictures():
    listed = re.findall(r"^\| `(.+?)` \|", (CORPUS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed
    assert not {CORPUS / name for name in listed} - set(PICTURES)
