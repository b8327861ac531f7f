import os
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tendigits import errors


def test_exit_codes_of_signals():
    assert errors.Interrupted("", 2).exit_code == 130
    assert errors.Interrupted("", 15).exit_code == 143


@given(st.text())
def test_printable_text_is_one_line_of_utf_8_without_control_characters(text):
    shown = errors.printable(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)
    overrides = {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI"}
    assert not overrides & {unicodedata.bidirectional(character) for character in shown}
    assert errors.printable(shown) == shown


def test_ordinary_names_stay_as_they_are():
    for name in ("scan 1.png", "zwölf.png", "数字.png", "C:\\a\\b.png", "12\u202fam\u00a0.png", "👩\u200d🔬.png"):
        assert errors.printable(name) == name
    assert errors.printable(os.fsdecode(b"\xff\n")) == "\\xff\\n"
