"""Whatever a channel names of the locations of a line, each of its units is counted once (rule K11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.channel_orders import line_locations
from gateway.commerce.channel_orders.line_locations import ExternalSaleLine, count_units
from gateway.commerce.topology import Topology
from gateway.model.locations import Authority, Location, LocationKind
from gateway.storage.writes.orders import OrderLineRow, OrderRow, SoldVariant, dump_locations, read_locations
from gateway.storage.writes.reservations import ReservationRow

KEYS = ("london", "leeds", "depot")
TOPOLOGY = Topology(
    locations={
        key: Location(
            key=key,
            name=key,
            kind=LocationKind.STORE,
            authority=Authority("till", key),
            external_ids={"web": f"w-{key}"},
        )
        for key in KEYS
    }
)
EXTERNAL = st.sampled_from([f"w-{key}" for key in KEYS])
UNITS = st.dictionaries(EXTERNAL, st.integers(1, 4))
MOVEMENTS = st.lists(st.tuples(st.sampled_from(KEYS), st.integers(-3, 6)), max_size=4)


def fill(kind: Any, **values: Any) -> Any:
    """Build a row of which only these values matter."""
    return kind(**{field.name: values.get(field.name) for field in fields(kind)})


def build_sale(
    quantity: int, locations: Mapping[str, int], restocked: int, restocked_locations: Mapping[str, int], **more: Any
) -> ExternalSaleLine:
    line = fill(
        OrderLineRow,
        quantity=quantity,
        fulfilled_quantity=more.get("fulfilled", 0),
        locations=dump_locations(locations),
        restocked_quantity=restocked,
        restocked_locations=dump_locations(restocked_locations),
        place=more.get("place"),
    )
    return ExternalSaleLine(fill(OrderRow, channel="web", status=more.get("status", "OPEN")), line)


SALES = st.builds(
    build_sale,
    quantity=st.integers(0, 8),
    locations=UNITS,
    restocked=st.integers(0, 6),
    restocked_locations=UNITS,
    place=st.none() | EXTERNAL,
    status=st.sampled_from(["OPEN", "CANCELLED"]),
    fulfilled=st.integers(0, 4),
)


def build_movements(moved: Sequence[tuple[str, int]]) -> list[ReservationRow]:
    return [fill(ReservationRow, location=key, quantity=units) for key, units in moved]


@given(sale=SALES, moved=MOVEMENTS, units=st.integers(1, 3))
def test_every_unit_is_taken_once_and_added_once(
    sale: ExternalSaleLine, moved: Sequence[tuple[str, int]], units: int
) -> None:
    check_units(sale, moved, units)


def check_units(sale: ExternalSaleLine, moved: Sequence[tuple[str, int]], units: int) -> None:
    counted = count_units(sale, SoldVariant("v", units), build_movements(moved), TOPOLOGY).by_location
    taken = sum(location.taken for location in counted.values())
    named = sum(read_locations(sale.line.locations).values())
    is_known = bool(sale.line.place or moved)
    assert taken == (sale.quantity if is_known else min(named, sale.quantity))
    added = sum(location.restocked for location in counted.values())
    assert added <= min(sale.restocked_quantity, sale.quantity)
    assert added == min(sale.restocked_quantity, sale.quantity) or not is_known
    assert all(location.taken >= 0 and location.restocked >= 0 for location in counted.values())


@given(locations=UNITS, moved=MOVEMENTS)
def test_units_are_taken_where_they_are_named_whatever_moved_before(
    locations: dict[str, int], moved: Sequence[tuple[str, int]]
) -> None:
    sale = build_sale(sum(locations.values()), locations, 0, {})
    counted = count_units(sale, SoldVariant("v", 1), build_movements(moved), TOPOLOGY).by_location
    assert {f"w-{key}": location.taken for key, location in counted.items()} == locations


def test_the_proof_units_that_are_counted_at_the_line_and_at_its_locations_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def count_all_twice(sale: ExternalSaleLine) -> tuple[Any, int]:
        taken, _ = count_taken(sale)
        return taken, sale.quantity

    count_taken = line_locations._count_taken
    monkeypatch.setattr(line_locations, "_count_taken", count_all_twice)
    with pytest.raises(AssertionError):
        check_units(build_sale(2, {"w-london": 1, "w-leeds": 1}, 0, {}), [("london", 2)], 1)
