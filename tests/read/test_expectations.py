"""What a person may expect, and which mistakes are found before anything is read."""

import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import UserError
from tendigits.numbers.decode import CHARACTERS
from tendigits.read.expectations import MAX_VALUES, parse


def expected(kind):
    return parse(kind).everywhere


@pytest.fixture
def roster(tmp_path):
    def write(text, name="roster.csv"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize(
    ("kind", "fitting", "others"),
    [
        ("0..20", "0 20 12.5 7,5", "21 -1 1/2"),
        ("-5..5 and integer", "-5 5.0", "6 2.5"),
        ("7|14|21", "7 14", "1 07"),
        ("date", "3/12 29/2 31.12.2024 2024-12-31 03.12", "32/1 13/13 12 31/2/2022 2515/20/4 30.2."),
        ("time", "9:30 1:24:05", "9:70 930"),
        ("decimal(1)", "12.5 0,3 -1.0", "125 1.25"),
        (r"\d{2}/\d{2}/\d{4}", "03/12/2024", "3/12/2024"),
        (r"20\d{2}|19[5-9]\d", "2024 1950", "1949 202"),
        ("luhn", "79927398713 4539148803436467", "79927398710 7-9"),  # Wikipedia; a test card of Visa
        ("mod11", "9434765919 0306406152", "9434765910"),  # of the NHS' data dictionary; an ISBN-10
        ("ean", "4006381333931 73513537", "4006381333932 12345"),  # Wikipedia
        ("isbn", "978-0-306-40615-7 0306406152", "979-0-306-40615-7 4006381333931"),
        (r"\d{8} and ean", "73513537", "4006381333931"),
    ],
)
def test_kinds(kind, fitting, others):
    expectation = pickle.loads(pickle.dumps(expected(kind)))  # it is sent to other processes
    assert [value for value in fitting.split() if not expectation.fits(value)] == []
    assert [value for value in others.split() if expectation.fits(value)] == []


def test_targets_are_columns_or_the_names_of_fields():
    found = parse(r"0..9, a: date, C-E: \d{1,2}[.,]\d,B : 1|2")
    assert {name: each.text for name, each in found.targets.items()} == {
        "A": "date", "B": "1|2", **dict.fromkeys("CDE", r"\d{1,2}[.,]\d")
    }  # fmt: skip
    assert found.of("Z") is found.everywhere
    assert [*parse("exam points: 0..20, 7b: luhn", fields=True).targets] == ["exam points", "7b"]
    with pytest.raises(UserError, match='the form has no field "point", expected one of its fields: points, name'):
        parse("point: 0..20", fields=True).check_fields(["points", "name"])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("40275\n40312\n", ""),
        ("\ufeffname;student\nAnna;40275\nBo;40312\n", ""),
        ("Anna,40275\nBo,40312\n", ""),
        ("no,student,mark\n1,40275,3\n2,40312,5\n", "#student"),
        ("no,student,mark\n1,40275,3\n2,40312,5\n", "#B"),
    ],
)
def test_a_file_of_values(roster, text, address):
    assert expected(roster(text) + address).values == ("40275", "40312")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C 0-20", "expected 'C: 0..20', received 'C 0-20'"),
        ("C: 20..0", "expected 'C: 0..20', received"),
        ("A: small", r"expected 0\.\.20, 7\|14\|21, date, .* received 'A: small'"),
        ("ABC: date", "expected columns such as 'A: 0..100, B: date, .*', received 'ABC: date'"),
        ("E-C: date", "write C-E"),
        ("A: date, A: time", "expected one kind for A, received two; join them"),
        (r"A: \d{2}x", r"'\\d\{2\}x' cannot match: 'x' is not read, only 0123456789"),
        (r"\d{2}|\d{0}", "expected a pattern that matches something"),
        (r"\d{3,1}", r"expected a pattern, received '\\d\{3,1\}': min repeat greater than max repeat"),
        (r"(\d\d)+", "expected a pattern of characters"),
        (r"\d\.-", "ends with a mark that closes a number"),
        (r"\d?\d?\d?\d?\d?", r"expected at most 4 of \?"),
        ("A: luhn and decimal(1)", "expected whole numbers for a check digit, received 'A: luhn and decimal.1.'"),
        (r"\d{2}\.\d and ean", "expected whole numbers for a check digit"),
        ("79927398713|79927398710 and luhn", "value 2 of its list does not"),
        ("7|14|7", "expected each value of the list once, the values 1 and 3 are the same"),
        ("none.csv", "expected a CSV file at none.csv, received No such file or directory"),
    ],
)
def test_mistakes_are_one_line(text, message):
    with pytest.raises(UserError, match=message) as error:
        parse(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["40275", "40312", "40275"], "expected each value of .* once, the values 1 and 3 are the same"),
        ([str(n) for n in range(100_000)], f"expected at most {MAX_VALUES:,} values in .*, received 100,000"),
        (["1,40275", "2,40312"], "expected one column of numbers in .*, received 2; write .*roster.csv#B"),
        (["Anna,40275x", "Bo,40312x"], "expected one column of numbers in .*, received 0"),
        (["\0", "\udcff"], "expected text in UTF-8|one column of numbers"),
        (["1," * 5000, *"1" * 5000], "expected rows of equally many columns in .*, received one of 5,001"),
    ],
)
def test_a_wrong_file_of_values_is_described_without_its_values(roster, rows, message):
    path = roster("")
    Path(path).write_bytes("\n".join(rows).encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=message) as error:
        parse(f"A: {path}")
    assert not re.search("40275|40312", str(error.value).replace(path, ""))


def test_a_server_opens_no_files(roster):
    with pytest.raises(UserError, match="expected no file of values here"):
        parse(roster("1\n2\n"), files=False)


@given(st.text(st.sampled_from("A-C: ,|\\d{2}[5-9]?*+.()luhn and0#/" + CHARACTERS), max_size=40))
def test_any_text_is_parsed_or_refused_in_one_line(text):
    try:
        found = parse(text, files=False)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        for each in filter(None, [found.everywhere, *found.targets.values()]):
            assert each.fits("12/05") in (True, False)


@given(st.text("0123456789", min_size=2, max_size=14), st.integers(1, 9), st.integers(0, 13))
def test_a_check_digit_shows_every_wrong_digit(digits, change, place):
    """Luhn, EAN and mod 11 change with each digit: that is what they are made for."""
    place %= len(digits)
    wrong = digits[:place] + str((int(digits[place]) + change) % 10) + digits[place + 1 :]
    for kind in ("luhn", "ean") + (("mod11",) if len(digits) <= 10 else ()):
        assert not (expected(kind).fits(digits) and expected(kind).fits(wrong))
