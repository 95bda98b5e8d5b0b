"""A store edits, refunds, sends and cancels orders from two shops whose stock a till counts, and from its warehouse.

At every moment each shop lacks exactly the units that left from it or are to leave from it, without those that came
back there and are for sale again, wherever they had left from (rule K11).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

import gateway_shopify
from gateway.commerce.channel_orders import line_locations
from gateway.commerce.channel_orders.line_locations import ExternalSaleLine
from gateway_shopify.line_progress import LineProgress
from tests.conftest import TORTURE
from tests.plugins.sold_units import Parcel, SoldUnits
from tests.plugins.till_and_store import SHOP, SHOPS, WAREHOUSE, ShopTestbed, open_sandboxes, open_shop, run_gateway

SKUS = ("TEA-1", "MUG-1")
LOCATIONS = st.sampled_from((*SHOPS, WAREHOUSE))


@pytest.mark.anyio
async def test_units_that_were_taken_off_or_came_back_are_in_the_till_once(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        order = await shop.store.sell("TEA-1", 2, "london")
        await shop.advance()
        assert await shop.count_missing() == {"TEA-1": 2}
        await shop.store.edit_order(order, "TEA-1", 1)
        await shop.advance()
        assert await shop.count_missing() == {"TEA-1": 1}
        assert await shop.read_lines() == {(order, "TEA-1"): (1, 0)}
        await shop.store.fulfill_order(order)
        returned = await shop.store.sell("MUG-1", 3, "london")
        await shop.store.fulfill_order(returned)
        await shop.store.refund_order(order, "TEA-1", 1, "NO_RESTOCK")
        await shop.store.refund_order(returned, "MUG-1", 2, "RETURN")
        await shop.advance()
        assert await shop.count_missing() == {"TEA-1": 1, "MUG-1": 1}
        assert await shop.read_lines() == {(order, "TEA-1"): (1, 1), (returned, "MUG-1"): (3, 3)}
        assert await shop.count_open_movements() == 0


@pytest.mark.anyio
@pytest.mark.parametrize(("first", "second"), [(SHOP, WAREHOUSE), (WAREHOUSE, SHOP)])
async def test_a_line_that_leaves_from_two_locations_is_taken_from_each_of_them(
    first: str, second: str, tmp_path: Path
) -> None:
    async with open_shop(tmp_path) as shop:
        order = await shop.store.sell("TEA-1", 3, first)
        await shop.store.move_units(order, "TEA-1", 1, second)
        await shop.advance()
        assert await shop.count_missing() == {"TEA-1": 2 if first == SHOP else 1}
        await shop.store.fulfill_order(order)
        await shop.store.refund_order(order, "TEA-1", 1, place=SHOP)
        await shop.store.refund_order(order, "TEA-1", 1, place="york")
        await shop.advance()
        assert await shop.count_missing() == ({"TEA-1": 1} if first == SHOP else {})
        assert await shop.count_missing("york") == {"TEA-1": -1}  # it never left from there
        assert await shop.count_open_movements() == 0


@pytest.mark.anyio
async def test_a_line_that_an_earlier_version_took_from_one_location_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_sandboxes(tmp_path) as sandboxes:
        with monkeypatch.context() as earlier:
            earlier.setattr(gateway_shopify, "CHANNEL", replace(gateway_shopify.CHANNEL, version="1.2"))
            earlier.setattr(LineProgress, "list_locations", lambda *_: ())
            async with run_gateway(sandboxes) as shop:
                order = await shop.store.sell("TEA-1", 3, SHOP)
                await shop.store.move_units(order, "TEA-1", 1, WAREHOUSE)
                await shop.advance()
                assert await shop.count_missing() == {"TEA-1": 3}
        async with run_gateway(sandboxes) as shop:
            await shop.advance()
            assert await shop.count_missing() == {"TEA-1": 2}
            assert await shop.count_open_movements() == 0


class EditedOrders(RuleBasedStateMachine):
    """Staff of the store do with orders what they like, and the gateway reads now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.opened = AsyncExitStack()
        self.orders: list[SoldUnits] = []

    @initialize()
    def open(self) -> None:
        shop = self.opened.enter_async_context(open_shop(Path(self.directory.name)))
        self.shop: ShopTestbed = self.runner.run(shop)

    def close(self) -> None:
        try:
            if hasattr(self, "shop"):
                self.check()
        finally:
            self.runner.run(self.opened.aclose())
            self.runner.close()
            self.directory.cleanup()

    teardown = close

    def pick(self, data: st.DataObject, able: str) -> tuple[SoldUnits, int]:
        """Draw an order of which some units can be treated in a way, and how many of them."""
        order = data.draw(st.sampled_from([order for order in self.orders if getattr(order, able) > 0]))
        return order, data.draw(st.integers(1, getattr(order, able)))

    def has_any(self, able: str) -> bool:
        """Whether there is an order of which some units can be treated in a way."""
        return any(getattr(order, able) > 0 for order in self.orders)

    @rule(sku=st.sampled_from(SKUS), units=st.integers(1, 4), location=LOCATIONS)
    def sell(self, sku: str, units: int, location: str) -> None:
        order = self.runner.run(self.shop.store.sell(sku, units, location))
        self.orders.append(SoldUnits(order, sku, [Parcel(location, units)]))

    @precondition(lambda self: self.has_any("movable"))
    @rule(data=st.data(), location=LOCATIONS)
    def leave_from_elsewhere(self, data: st.DataObject, location: str) -> None:
        order, units = self.pick(data, "movable")
        if any(order.list_movable(units, location)):
            self.runner.run(self.shop.store.move_units(order.order, order.sku, units, location))
            order.move(units, location)

    @precondition(lambda self: self.has_any("editable"))
    @rule(data=st.data(), restock=st.booleans())
    def take_off(self, data: st.DataObject, restock: bool) -> None:
        order, units = self.pick(data, "editable")
        left = order.units - order.refunded - units
        self.runner.run(self.shop.store.edit_order(order.order, order.sku, left, restock=restock))
        order.remove(units)

    @precondition(lambda self: self.has_any("editable"))
    @rule(data=st.data(), units=st.integers(1, 3))
    def add(self, data: st.DataObject, units: int) -> None:
        order, _ = self.pick(data, "editable")
        more = order.units - order.refunded + units
        self.runner.run(self.shop.store.edit_order(order.order, order.sku, more))
        order.add(units)

    @precondition(lambda self: self.has_any("editable"))
    @rule(data=st.data())
    def refund_unsent(self, data: st.DataObject) -> None:
        order, units = self.pick(data, "editable")
        self.runner.run(self.shop.store.refund_order(order.order, order.sku, units, "CANCEL"))
        order.remove(units)

    @precondition(lambda self: self.has_any("editable"))
    @rule(data=st.data())
    def refund_and_send_all_the_same(self, data: st.DataObject) -> None:
        order, units = self.pick(data, "editable")
        self.runner.run(self.shop.store.refund_order(order.order, order.sku, units, "NO_RESTOCK"))
        order.refunded += units

    @precondition(lambda self: self.has_any("returnable"))
    @rule(data=st.data(), location=LOCATIONS)
    def take_back(self, data: st.DataObject, location: str) -> None:
        order, units = self.pick(data, "returnable")
        self.runner.run(self.shop.store.refund_order(order.order, order.sku, units, "RETURN", location))
        order.refunded += units
        order.back[location] += units

    @precondition(lambda self: self.has_any("waiting"))
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        order, units = self.pick(data, "waiting")
        self.runner.run(self.shop.store.ship_units(order.order, order.sku, units))
        order.ship(units)

    @precondition(lambda self: any(not order.handed.total() and not order.is_canceled for order in self.orders))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        able = [order for order in self.orders if not order.handed.total() and not order.is_canceled]
        order = data.draw(st.sampled_from(able))
        self.runner.run(self.shop.store.cancel_order(order.order))
        order.remove(order.waiting)
        order.is_canceled = True

    @precondition(lambda self: bool(self.orders))
    @rule()
    def read(self) -> None:
        self.check()

    def check(self) -> None:
        """Compare the till, and what the gateway knows of every line, with the truth."""
        self.runner.run(self.shop.advance())
        for shop in SHOPS:
            missing: Counter[str] = Counter()
            for order in self.orders:
                missing[order.sku] += order.count_missing(shop)
            counted = self.runner.run(self.shop.count_missing(shop))
            assert counted == {sku: units for sku, units in missing.items() if units}, shop
        known = self.runner.run(self.shop.read_lines())
        for order in (order for order in self.orders if not order.is_canceled):
            assert known[order.order, order.sku] == (order.units, order.handed.total()), order
        assert self.runner.run(self.shop.count_open_movements()) == 0


MACHINE = settings(
    max_examples=200 if TORTURE else 6,
    stateful_step_count=20,
    phases=[Phase.generate],  # a failing run is not made smaller: each takes seconds
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.long
def test_whatever_the_store_does_with_orders_the_till_is_right() -> None:
    run_state_machine_as_test(EditedOrders, settings=MACHINE)


@pytest.mark.long
def test_the_proof_units_that_came_back_and_are_forgotten_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExternalSaleLine, "restocked_quantity", 0)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(EditedOrders, settings=MACHINE)


@pytest.mark.long
def test_the_proof_units_that_all_leave_from_one_location_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_locations, "read_locations", lambda column: {})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(EditedOrders, settings=MACHINE)
