"""Input values of scalar types: invalid values are refused with a message about the value."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql.world import World

pytestmark = pytest.mark.anyio
SINCE = "query ($value: DateTime) { products(filter: {updatedSince: $value}) { totalCount } }"
PRICE = """query ($value: Decimal) {
  products(channelKey: "till", filter: {price: {min: $value, currencyCode: "GBP"}}) { totalCount }
}"""


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


NO_INSTANTS: list[Any] = [
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z"),
    *("2026-01-01T23:59:60Z", "2026-01-01T00:00:00+99:99", "2026-01-01T00:00:00", "٢٠٢٦-01-01T00:00:00Z"),
    *("2026-01-01", "", "x", 5, 5.5, True, {}, ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]),
]


async def test_what_is_no_instant_is_refused_without_a_word_about_python(world: World) -> None:
    for value in NO_INSTANTS:
        await check_refusal(world, SINCE, value)


NO_DECIMALS: list[Any] = [
    "1e999999",
    "NaN",
    "Infinity",
    "-inf",
    "٣",
    " 1",
    "1_0",
    "",
    "0x1",
    1.5,
    10**30,
    2**63,
    True,
    {},
    "9" * 1_000,
]


async def test_what_is_no_decimal_number_is_refused(world: World) -> None:
    for value in NO_DECIMALS:
        await check_refusal(world, PRICE, value)


async def check_refusal(world: World, query: str, value: Any) -> None:
    answer = await world.client.ask(query, value=value)
    assert (answer.status, set(answer.codes)) == (400, {"BAD_USER_INPUT"}), value
    for python in ("timedelta", "isoformat", "Traceback", "Error"):
        assert python not in str(answer.body)


async def test_instants_are_read_with_any_offset(world: World) -> None:
    for value in ["2026-01-05T09:00:00Z", "2026-01-05t10:00:00.123456789+01:00", None]:
        assert (await world.client.ask(SINCE, value=value)).codes == []


async def test_decimal_numbers_are_read_from_strings_and_integers(world: World) -> None:
    for value in ["4.50", "-1", 4, "9999999999.99", None]:
        assert (await world.client.ask(PRICE, value=value)).codes == []
