from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import validation
from gateway.model.validation import InvalidValueError


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_short_way_to_fold_ascii_gives_what_the_long_one_gives(text: str) -> None:
    assert validation.fold(text) == validation.fold(text + "é")[:-1].strip() or text[-1:].isspace()


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert validation.fold(validation.fold(text)) == validation.fold(text)


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
    assert validation.check_gtin("gtin", given_code) == fourteen


@pytest.mark.parametrize(
    "code",
    [
        "4006381333932",
        "123",
        "400638133393X",
        "",
        "0" * 15,
    ],
)
def test_a_code_that_is_no_gtin_is_refused(code: str) -> None:
    with pytest.raises(InvalidValueError):
        validation.check_gtin("gtin", code)


@pytest.mark.parametrize(
    "value", [0.5, "1.5", float("nan"), float("inf"), 1e300, "many", "1e400", "-1e999999999", "1e-99"]
)
def test_part_of_a_piece_is_no_quantity(value: float | str) -> None:
    with pytest.raises(InvalidValueError):
        validation.parse_pieces("units", value)


@pytest.mark.parametrize(("value", "number"), [(3.0, 3), ("-2", -2), ("4.000", 4), (0.0, 0)])
def test_whole_pieces_of_a_float_are_taken(value: float | str, number: int) -> None:
    assert validation.parse_pieces("units", value) == number


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 2**31, -(2**31), pytest.param(10**5000, id="huge")])
def test_a_quantity_is_an_integer_that_graphql_can_say(value: object) -> None:
    with pytest.raises(InvalidValueError):
        validation.check_whole("quantity", value)


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "x" * 501, "", "  "])
def test_a_text_is_one_that_every_database_holds(text: str) -> None:
    with pytest.raises(InvalidValueError):
        validation.check_text("title", text)


def test_an_instant_is_kept_in_utc() -> None:
    summer = timezone(timedelta(hours=1))
    assert validation.check_instant("at", datetime(2026, 7, 1, 12, tzinfo=summer)) == datetime(
        2026, 7, 1, 11, tzinfo=UTC
    )


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
        validation.check_instant("at", value)


@pytest.mark.parametrize(
    "sku",
    [
        "\ufeffAB 12",
        "AB\u200b 12",
        "\u200eAB 12\u200f",
        "AB\u00a012",
        "AB  12",
        " ab 12 ",
        "\uff21\uff22 \uff11\uff12",
        "AB\t12",
    ],
)
def test_skus_that_look_alike_are_equal(sku: str) -> None:
    assert validation.normalize_sku(sku) == "ab 12"


def test_composed_and_decomposed_skus_are_equal() -> None:
    assert validation.normalize_sku("CAFE\u0301-1") == validation.normalize_sku("Caf\u00e9-1")


@given(st.text())
def test_normalizing_a_sku_twice_changes_nothing(text: str) -> None:
    assert validation.normalize_sku(validation.normalize_sku(text)) == validation.normalize_sku(text)


@pytest.mark.parametrize(
    "typed", ["4006381333931", "4 006381 333931", "400-6381-33393-1", "\u200e4006381333931", "\uff14006381333931"]
)
def test_a_gtin_is_read_with_spaces_and_hyphens(typed: str) -> None:
    assert validation.list_gtins(typed) == ("04006381333931",)


@pytest.mark.parametrize(
    ("upc_e", "gtin"),
    [
        ("01234505", "00012000003455"),  # the last digit tells where the zeros are left out
        ("01234531", "00012300000451"),
        ("01234543", "00012340000053"),
        ("01234558", "00012345000058"),
        ("04252614", "00042100005264"),
    ],
)
def test_a_upc_e_is_expanded(upc_e: str, gtin: str) -> None:
    assert gtin in validation.list_gtins(upc_e)
