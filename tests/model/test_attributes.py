"""Canonical values of attributes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.model.attributes.definitions import AttributeDefinition, AttributeType
from gateway.model.attributes.values import compute_micros, is_canonical, normalize_value, read_values
from gateway.model.validation import InvalidValueError

NUMBERS = st.from_regex(r"-?[0-9]{1,14}(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,9})?", fullmatch=True)
UNITS = st.sampled_from(["", " mm", "ft", " inches", "kg", " EUR", " JPY", "T12:00"])
TEXTS = st.text(max_size=30) | st.dates().map(str) | st.builds(lambda number, unit: number + unit, NUMBERS, UNITS)


def define(type: AttributeType) -> AttributeDefinition:
    return AttributeDefinition(key="a", type=type, unit="mm" if type is AttributeType.MEASURE else None)


@given(type=st.sampled_from(list(AttributeType)), text=TEXTS)
@example(type=AttributeType.NUMBER, text="1e99999999")
@example(type=AttributeType.NUMBER, text="-1e-99999999")
@example(type=AttributeType.MEASURE, text="1e12 ft")
@example(type=AttributeType.MONEY, text="1e99999999 EUR")
def test_a_value_is_refused_or_stays_as_it_is_and_fits_into_the_database(type: AttributeType, text: str) -> None:
    definition = define(type)
    try:
        value = normalize_value(definition, text)
    except InvalidValueError:
        return
    assert normalize_value(definition, value) == value
    assert abs(compute_micros(definition, value) or 0) < 2**63
    (read,) = read_values(definition, [value])
    assert read.value == value


@pytest.mark.parametrize(
    ("type", "text", "expected"),
    [
        (AttributeType.NUMBER, "-0.0000001", "0"),
        (AttributeType.NUMBER, "1e3", "1000"),
        (AttributeType.MEASURE, "1 ft", "304.8"),
        (AttributeType.DATE, "2026-01-31T10:00:00Z", "2026-01-31"),
    ],
)
def test_a_value_has_one_canonical_text(type: AttributeType, text: str, expected: str) -> None:
    assert normalize_value(define(type), text) == expected


@pytest.mark.parametrize(
    ("type", "text"),
    [
        (AttributeType.DATE, "2026-01-31garbage"),
        (AttributeType.DATE, "20260131"),
        (AttributeType.DATE, "2026-W05-6"),
        (AttributeType.DATE, "2026-02-30"),
        (AttributeType.NUMBER, "1e13"),
        (AttributeType.NUMBER, "nan"),
        (AttributeType.MEASURE, "1e12 ft"),
    ],
)
def test_a_value_of_another_type_is_refused(type: AttributeType, text: str) -> None:
    with pytest.raises(InvalidValueError):
        normalize_value(define(type), text)


def test_values_of_a_type_that_was_declared_before_are_left_out() -> None:
    values = ["red", "5", "2026-01-31"]
    assert [read.value for read in read_values(define(AttributeType.NUMBER), values)] == ["5"]
    assert [read.value for read in read_values(define(AttributeType.DATE), values)] == ["2026-01-31"]
    assert not is_canonical(define(AttributeType.COLOR), "red")
