import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import ModelFileError, UserError
from tendigits.numbers.confidence import MAX_ERROR, ConfidenceFeatures, ConfidenceModel
from tendigits.numbers.grammar import DecimalSeparator, common_separator, is_usual, to_decimal, without_closing

MEANINGS = [
    ("0427", "427"), ("-3", "-3"), ("+3.5", "3.5"), ("12.50", "12.50"), ("12,5", "12.5"), (".5", "0.5"),
    ("0.125", "0.125"), ("1.234,50", "1234.50"), ("1,234.50", "1234.50"), ("1.234.567", "1234567"),
    ("500.-", "500"), ("500,--", "500"), ("=500=", "500"), ("12%", "0.12"), ("(120)", "-120"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meaning"), MEANINGS)
def test_what_a_number_means(text, meaning):
    assert is_usual(text)
    assert to_decimal(text) == Decimal(meaning)


@pytest.mark.parametrize("text", [
    "12/05", "5/31", "31/12/2024", "2024/5/31", "17/20", "99/100", "12/4=3", "1:24:05", "3+4=7", "3×4=", "8÷2=4",
    "12.03.2024", "2024-11-26", "1)",
])  # fmt: skip
def test_dates_points_times_and_sums_are_usual_but_no_number(text):
    assert is_usual(text)
    assert to_decimal(text) is None


@pytest.mark.parametrize("text", [
    "", "-", "1,,2", "(5", "5×", "12..5", "1.2.3", "--3", "/5", "3/-3", "363/63", "32/13/24", "13/3456",
    "1/2/3/4", "12:75",
])  # fmt: skip
def test_what_nobody_writes(text):
    assert not is_usual(text)
    assert to_decimal(text) is None


def test_the_time_for_a_long_sum_does_not_double_with_each_of_its_numbers():
    started = time.process_time()
    assert not is_usual("1.111-" * 24 + "((")
    assert is_usual("1.111-" * 24 + "1.111,50")
    assert time.process_time() - started < 1


@pytest.mark.parametrize(("text", "value"), [
    ("500.-", "500"), ("500/-", "500"), ("1:24:05.", "1:24:05"), ("3×4=", "3×4"), ("-3", "-3"), (".5", ".5"),
])  # fmt: skip
def test_a_closing_mark_is_not_part_of_the_value(text, value):
    assert without_closing(text) == value


def test_a_mark_that_may_part_thousands_or_decimals_is_told_or_left_open():
    assert to_decimal("1.234") is None
    assert to_decimal("1.234", DecimalSeparator.POINT) == Decimal("1.234")
    assert to_decimal("1.234", DecimalSeparator.COMMA) == 1234
    assert to_decimal("12,5", DecimalSeparator.POINT) is None, "no group of three"
    assert common_separator(["1.234", "2.50", "17"]) is DecimalSeparator.POINT
    assert common_separator(["1.234", "2,50"]) is DecimalSeparator.COMMA
    assert common_separator(["1.234.567"]) is DecimalSeparator.COMMA, "the point parts thousands"
    assert (
        common_separator(["1.5", "2,5"]) is common_separator(["1.234"]) is common_separator([]) is DecimalSeparator.AUTO
    )


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from([DecimalSeparator.POINT, DecimalSeparator.COMMA]),
)
def test_any_amount_is_understood_with_and_without_groups(amount, mark):
    text = f"{amount:,.2f}"
    if mark is DecimalSeparator.COMMA:
        text = text.translate(str.maketrans(",.", ".,"))
    for given_ in (text, text.replace("." if mark is DecimalSeparator.COMMA else ",", "")):
        assert is_usual(given_)
        assert to_decimal(given_) == to_decimal(given_, mark) == amount


@given(st.text("0123456789.,-/:+=()%×÷", max_size=12))
def test_any_text_has_a_meaning_or_none(text):
    for mark in DecimalSeparator:
        number = to_decimal(text, mark)
        assert number is None or number.is_finite()
    assert is_usual(text) in (True, False)


def test_the_threshold_follows_from_the_error_that_is_allowed():
    trust = ConfidenceModel((-1.0, *[0.0] * 6), 0.5, ((0.01, 0.97), (0.02, 0.9), (0.05, 0.6)))
    assert trust.threshold(None) == trust.threshold(MAX_ERROR) == 0.9
    assert trust.threshold(0.03) == 0.9
    assert trust.threshold(0.5) == 0.6
    with pytest.raises(UserError, match=r"expected a maximum error of at least 1%, received 0.1%"):
        trust.threshold(0.001)
    clear = trust.confidence(ConfidenceFeatures(*[0.0] * 7))
    assert clear == pytest.approx(1 / (1 + 2.718281828**-0.5))
    assert trust.confidence(ConfidenceFeatures(2, *[0.0] * 6)) < clear


def test_weights_of_another_version_are_refused():
    trust = {"trust": '{"weights": [1, 2, 3], "bias": 0.5, "thresholds": [[0.02, 0.9]]}'}
    with pytest.raises(ModelFileError, match=r"expected weights for 7 features, received 3; .* teach it again"):
        ConfidenceModel.from_metadata(trust)
