"""Settings that somebody else wrote are read in a blink or refused in one line."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import RecipeError, UserError
from tendigits.model.recipe import Recipe
from tendigits.model.recipe_files import load_recipe
from tendigits.read.forms import load_form
from tendigits.sweep.space import read_space
from tendigits.toml import MAX_BYTES, MAX_DEPTH, MAX_DOTS, parse_toml, read_toml

HOSTILE = {
    "a key of 100,000 parts": ("a" + ".a" * 100_000 + " = 1", "at most 64 points in a line, line 1 has 100,000"),
    "a table of 100,000 parts": ("[a" + ".a" * 100_000 + "]", "at most 64 points in a line"),
    "deep lists": ("a = " + "[" * 50_000, "at most 16 tables and lists within each other"),
    "deep tables": ("a = " + "{a = " * 50_000, "at most 16 tables and lists within each other"),
    "lists 20 deep": ("a = " + "[" * 20 + "]" * 20, "at most 16 tables and lists within each other"),
    "a number of 5,000 digits": ("epochs = " + "9" * 5000, "4300"),
    "a number of 20,000 bits": ("epochs = 0x" + "f" * 5000, "whole numbers of at most 64 bits"),
    "too long": ("a = 1\n" + "#\n" * (MAX_BYTES // 2), f"at most {MAX_BYTES:,} bytes"),
    "not UTF-8": ('a = "\udcff"', "utf-8"),
    "not TOML": ("a = ", "Invalid value"),
}
"""Texts, and what is said of them."""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_settings_are_refused_in_one_line(name, tmp_path, run_cli):
    text, said = HOSTILE[name]
    path = tmp_path / "a.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    for read, error in (
        (lambda: load_recipe(str(path)), RecipeError),
        (lambda: load_form(path), UserError),
        (lambda: read_space(path, Recipe()), RecipeError),
    ):
        with pytest.raises(error, match=said) as caught:
            read()
        assert "\n" not in str(caught.value)
    code, out, err = run_cli("train", "--recipe", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert len(err) < 1100


def test_the_dearest_settings_that_are_read_take_a_moment():
    key = "a" + ".a" * (MAX_DOTS - 2)
    lines = [f"{key}.b{n} = 1" for n in range(MAX_BYTES // (2 * MAX_DOTS + 20))]
    started = time.process_time()
    with pytest.raises(ValueError, match=f"at most {MAX_DEPTH} tables"):
        parse_toml("\n".join([f"[{key}]", *lines]))
    assert time.process_time() - started < 10


def test_honest_settings_are_read(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(f'# {"." * 200}\nname = "my.first"\nrates = [{", ".join(["0.001"] * 60)}]\n[x]\ny = {2**63 - 1}\n')
    content = read_toml(path)
    assert (content["name"], len(content["rates"]), content["x"]) == ("my.first", 60, {"y": 2**63 - 1})


@given(st.text(max_size=200))
def test_any_text_is_settings_or_a_value_error(text):
    with suppress(ValueError):
        assert isinstance(parse_toml(text), dict)


def test_a_field_of_a_form_has_a_printable_name(tmp_path):
    (tmp_path / "a.toml").write_text('picture = "a.png"\n[fields]\n"a\\u001b[31m" = [1, 2, 30, 40]\n')
    with pytest.raises(UserError, match=r"printable characters only in .*received 'a\\x1b\[31m'"):
        load_form(tmp_path / "a.toml")
