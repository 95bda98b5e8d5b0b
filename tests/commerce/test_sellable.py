"""What a channel sells has one definition (rule K9): in the catalog, in carts, options, orders and pushes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, settings
from sqlalchemy.engine import Connection

from gateway.commerce.checkout import cart_changes
from gateway.commerce.checkout.carts import LineRequest, create_cart
from gateway.commerce.checkout.fulfillment_options import list_options
from gateway.commerce.checkout.sellable import find_max_quantities
from gateway.commerce.context import SellingContext
from gateway.commerce.push.followers import list_followed_locations
from gateway.commerce.topology import Topology
from gateway.model.carts import Cart, CartWarningCode
from gateway.model.locations import FulfillmentMethod
from gateway.storage.database import Database
from gateway.storage.reads import carts, stock_levels
from gateway.storage.reads.offered_listings import SellingChannel
from gateway.storage.reads.stock_levels import Available
from gateway.storage.tables import products
from tests.commerce.selling_rows import CHANNELS, RETAILERS, VARIANTS, ListedVariant, Retailer, StockedLocation, fill

pytestmark = pytest.mark.any_database

ISSUE = Retailer(
    [ListedVariant(variant="v0", channel="till"), ListedVariant(variant="v0", channel="web")],
    {
        "london": StockedLocation(sellers=frozenset(), methods=(FulfillmentMethod.PICKUP,), counts={"v0": 5}),
        "leeds": StockedLocation(sellers=frozenset(), methods=(), counts={}),
        "depot": StockedLocation(sellers=frozenset(), methods=(FulfillmentMethod.SHIPPING,), counts={}),
        "fba": StockedLocation(sellers=frozenset(), methods=(), counts={}),
    },
)
"""An article that only London has, and the web store does not sell from London."""


PHASES = (Phase.explicit, Phase.generate)
"""Without shrinking: an example has at most seven listings and four locations."""


class RolledBackError(Exception):
    """Ends a transaction whose effects are not wanted."""


def run_check(database_url: str, check: Callable[[Connection, Retailer], None], examples: int) -> None:
    """Run the check on generated retailers, each in a transaction that is rolled back."""
    with asyncio.Runner() as runner:
        database = Database(database_url)

        def check_once(conn: Connection, retailer: Retailer) -> None:
            fill(conn, retailer)
            check(conn, retailer)
            raise RolledBackError

        @settings(deadline=None, max_examples=examples, phases=PHASES, report_multiple_bugs=False)
        @given(RETAILERS)
        def check_all(retailer: Retailer) -> None:
            with pytest.raises(RolledBackError):
                runner.run(database.write(check_once, retailer))

        try:
            check_all()
        finally:
            runner.run(database.close())


def check_agreement(conn: Connection, retailer: Retailer) -> None:
    """Compare what the catalog, the cart, the options and the followers of each channel say of each variant."""
    context = retailer.build_context()
    for channel in CHANNELS:
        sellable = find_sellable(conn, channel, context)
        for variant in VARIANTS:
            cart, is_sold = fill_cart(conn, channel, variant, context)
            assert is_sold is (variant in sellable), (channel, variant)
            if cart is not None:
                (quantity,) = find_max_quantities(conn, cart.lines, context)
                assert (quantity != 0) is is_sold
                can_order = any(not option.uncovered for option in list_options(conn, cart, None, None, None, context))
                assert not (can_order and not is_sold), (channel, variant)
                assert can_order or not is_sold or not can_hand_over(conn, channel, variant, context)
        sold_from = {location.key for location in context.topology.list_selling_locations(channel)}
        assert {location.key for location, _ in list_followed_locations(channel, context.topology)} <= sold_from


def find_sellable(conn: Connection, channel: str, context: SellingContext) -> set[str]:
    """Find the variants that the catalog says are for sale; its field and its filter say the same."""
    selling = context.topology.list_selling_locations(channel)
    locations = stock_levels.build_counted_locations(selling, context.topology.buffers)
    seller, ids = SellingChannel(channel, "GBP"), [f"p-{variant}" for variant in VARIANTS]
    by_product = stock_levels.find_sellable_variants(conn, ids, seller, locations)
    filtered = sa.select(products.c.id).where(stock_levels.is_product_sellable(seller, locations))
    assert set(conn.scalars(filtered)) == set(by_product)
    assert stock_levels.filter_sellable_products(conn, ids, seller, locations) == set(by_product)
    return {variant for variants in by_product.values() for variant in variants}


def fill_cart(conn: Connection, channel: str, variant: str, context: SellingContext) -> tuple[Cart | None, bool]:
    """Put one of a variant into a new cart. Returns the cart, and whether it is sold there."""
    result = create_cart(conn, channel, None, [LineRequest(0, variant, 1)], context)
    if result.subject is None:
        return None, False
    warned = any(warning.code is CartWarningCode.LINE_UNAVAILABLE for warning in result.warnings)
    return carts.find_carts(conn, [result.subject])[result.subject], not warned


def can_hand_over(conn: Connection, channel: str, variant: str, context: SellingContext) -> bool:
    """Whether a location has a whole listing, and a way to hand it over to whom the gateway sold it."""
    topology = context.topology
    locations = [
        location
        for location in topology.list_selling_locations(channel)
        if location.fulfillment_methods
        and topology.writes[location.require_authority().channel]
        and not location.is_counted_by("market")
    ]
    counted = stock_levels.build_counted_locations(locations, topology.buffers)
    found = stock_levels.find_available(conn, [variant], counted)[variant]
    return any(level.units is None or level.units >= 3 for level in found.values())


def test_catalog_cart_options_and_pushes_agree_on_what_a_channel_sells(database_url: str, examples: int) -> None:
    run_check(database_url, check_agreement, max(15, examples // 4))


async def ask_about_issue(database_url: str) -> tuple[set[str], bool]:
    database = Database(database_url)
    found: list[tuple[set[str], bool]] = []

    def ask(conn: Connection) -> None:
        fill(conn, ISSUE)
        context = ISSUE.build_context()
        found.append((find_sellable(conn, "web", context), fill_cart(conn, "web", "v0", context)[1]))
        raise RolledBackError

    try:
        with pytest.raises(RolledBackError):
            await database.write(ask)
    finally:
        await database.close()
    return found[0]


@pytest.mark.anyio
async def test_a_store_that_the_channel_does_not_sell_from_sells_nothing_in_its_carts(database_url: str) -> None:
    assert await ask_about_issue(database_url) == (set(), False)


def test_the_proof_is_a_cart_that_sells_from_every_location(
    database_url: str, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the tests above can fail: carts count what they counted before, the stock of all locations."""

    def find_everywhere(
        conn: Connection, _channel: str, variant_ids: Collection[str], topology: Topology
    ) -> Mapping[str, Mapping[str, Available]]:
        everywhere = stock_levels.build_counted_locations(topology.locations.values(), topology.buffers)
        return stock_levels.find_available(conn, variant_ids, everywhere)

    monkeypatch.setattr(cart_changes, "find_sold_stock", find_everywhere)
    with pytest.raises(AssertionError):
        run_check(database_url, check_agreement, examples)
    assert asyncio.run(ask_about_issue(database_url)) == (set(), True)
