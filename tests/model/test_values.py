from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import values
from gateway.model.values import InvalidValueError


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_short_way_to_fold_ascii_gives_what_the_long_one_gives(text: str) -> None:
    assert values.folded(text) == values.folded(text + "é")[:-1].strip() or text[-1:].isspace()


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert values.folded(values.folded(text)) == values.folded(text)


def test_words_are_found_without_case_accents_and_punctuation() -> None:
    assert values.words("Émile's T-Light, 85123A") == ["emile", "s", "t", "light", "85123a"]


@pytest.mark.parametrize(
    ("given_code", "fourteen"),
    [
        ("96385074", "00000096385074"),
        ("036000291452", "00036000291452"),
        ("4006381333931", "04006381333931"),
        ("10614141000415", "10614141000415"),
    ],
)
def test_a_gtin_is_kept_as_fourteen_digits(given_code: str, fourteen: str) -> None:
    assert values.gtin("gtin", given_code) == fourteen


@pytest.mark.parametrize(
    "code",
    [
        "4006381333932",
        "123",
        "400638133393X",
        "\uff14\uff10\uff10\uff16\uff13\uff18\uff11\uff13\uff13\uff13\uff19\uff13\uff11",
        "",
        "0" * 15,
    ],
)
def test_a_code_that_is_no_gtin_is_refused(code: str) -> None:
    with pytest.raises(InvalidValueError):
        values.gtin("gtin", code)


@pytest.mark.parametrize(
    "value", [0.5, "1.5", float("nan"), float("inf"), 1e300, "many", "1e400", "-1e999999999", "1e-99"]
)
def test_part_of_a_piece_is_no_quantity(value: float | str) -> None:
    with pytest.raises(InvalidValueError):
        values.pieces("units", value)


@pytest.mark.parametrize(("value", "number"), [(3.0, 3), ("-2", -2), ("4.000", 4), (0.0, 0)])
def test_whole_pieces_of_a_float_are_taken(value: float | str, number: int) -> None:
    assert values.pieces("units", value) == number


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 2**31, -(2**31), pytest.param(10**5000, id="huge")])
def test_a_quantity_is_an_integer_that_graphql_can_say(value: object) -> None:
    with pytest.raises(InvalidValueError):
        values.whole("quantity", value)


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "x" * 501, "", "  "])
def test_a_text_is_one_that_every_database_holds(text: str) -> None:
    with pytest.raises(InvalidValueError):
        values.text("title", text)


def test_an_instant_is_kept_in_utc() -> None:
    summer = timezone(timedelta(hours=1))
    assert values.instant("at", datetime(2026, 7, 1, 12, tzinfo=summer)) == datetime(2026, 7, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
        "2026-01-01",
    ],
)
def test_a_time_that_cannot_be_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError):
        values.instant("at", value)
