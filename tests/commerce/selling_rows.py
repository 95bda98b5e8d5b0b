"""Generated retailers, as rows: what channels list, what locations have, and which channels sell from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.topology import Topology
from gateway.model.locations import Authority, FulfillmentMethod, Location, LocationKind
from gateway.model.stock import EXACT_STOCK, StockDisclosure
from gateway.sdk.policies import TaxRate, make_flat_taxes
from gateway.sdk.writes import AdjustStock, PlaceOrder, SetStock
from gateway.storage.tables import channel_products, listings, products, stock, variants
from tests.gateways import START

CHANNELS = ("till", "web", "market")
VARIANTS = ("v0", "v1")
WRITES = {
    "till": frozenset({AdjustStock}),
    "web": frozenset({AdjustStock, PlaceOrder, SetStock}),
    "market": frozenset({SetStock}),
}
KINDS: Mapping[str, tuple[LocationKind, str]] = {
    "london": (LocationKind.STORE, "till"),
    "leeds": (LocationKind.STORE, "till"),
    "depot": (LocationKind.WAREHOUSE, "web"),
    "fba": (LocationKind.MARKETPLACE_FULFILLMENT, "market"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVariant:
    """A listing. Its id orders it among those of the same variant."""

    variant: str
    channel: str
    units: int = 1
    active: bool = True
    product_active: bool = True
    price: int | None = 500
    currency: str = "GBP"
    tracked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StockedLocation:
    """A location. `sellers`: channels that sell from it besides its authority; `counts`: units on hand, by variant."""

    sellers: frozenset[str]
    methods: tuple[FulfillmentMethod, ...]
    buffer: int = 0
    counts: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Retailer:
    """Listings and locations."""

    listed: Sequence[ListedVariant]
    stocked: Mapping[str, StockedLocation]

    @property
    def locations(self) -> dict[str, Location]:
        return {key: self._build_location(key, one) for key, one in self.stocked.items()}

    def _build_location(self, key: str, stocked: StockedLocation) -> Location:
        kind, authority = KINDS[key]
        sellers = stocked.sellers | {authority}
        return Location(
            key=key,
            name=key.title(),
            kind=kind,
            authority=Authority(authority, f"{key}-{authority}"),
            external_ids={seller: f"{key}-{seller}" for seller in sorted(sellers)},
            fulfillment_methods=stocked.methods,
        )

    def build_context(self, disclosure: StockDisclosure = EXACT_STOCK) -> SellingContext:
        topology = Topology(
            locations=self.locations,
            buffers={key: one.buffer for key, one in self.stocked.items()},
            writes=WRITES,
        )
        config = SellingConfig(
            topology=topology,
            secret=b"secret",
            currencies=dict.fromkeys(CHANNELS, "GBP"),
            taxes=make_flat_taxes(TaxRate("VAT", Decimal("0.2"))),
        )
        return SellingContext(config, START, disclosure=disclosure)


LISTED = st.builds(
    ListedVariant,
    variant=st.sampled_from(VARIANTS),
    channel=st.sampled_from(CHANNELS),
    units=st.integers(1, 3),
    active=st.sampled_from([True, True, True, False]),
    product_active=st.sampled_from([True, True, True, False]),
    price=st.sampled_from([500, 500, 700, None]),
    currency=st.sampled_from(["GBP", "GBP", "GBP", "EUR"]),
    tracked=st.sampled_from([True, True, True, False]),
)
COUNTS = st.fixed_dictionaries({}, optional=dict.fromkeys(VARIANTS, st.none() | st.integers(-1, 9)))


METHODS: Mapping[LocationKind, Sequence[tuple[FulfillmentMethod, ...]]] = {
    LocationKind.STORE: [(), (FulfillmentMethod.PICKUP,), (FulfillmentMethod.IN_STORE, FulfillmentMethod.PICKUP)],
    LocationKind.WAREHOUSE: [(), (FulfillmentMethod.SHIPPING,)],
    LocationKind.MARKETPLACE_FULFILLMENT: [()],
}


def _generate_locations(key: str) -> st.SearchStrategy[StockedLocation]:
    kind, _ = KINDS[key]
    return st.builds(
        StockedLocation,
        sellers=st.frozensets(st.sampled_from(CHANNELS)),
        methods=st.sampled_from(METHODS[kind]),
        buffer=st.integers(0, 2),
        counts=COUNTS,
    )


RETAILERS = st.builds(
    Retailer,
    st.lists(LISTED, min_size=1, max_size=7),
    st.fixed_dictionaries({key: _generate_locations(key) for key in KINDS}),
)


def fill(conn: Connection, retailer: Retailer) -> None:
    """Replace all rows of the catalog and the stock by those of the retailer."""
    for table in (listings, stock, products, variants, channel_products):
        conn.execute(sa.delete(table))
    conn.execute(sa.insert(products), [_build_product_row(id_) for id_ in VARIANTS])
    conn.execute(sa.insert(variants), [_build_variant_row(id_) for id_ in VARIANTS])
    for n, listed in enumerate(retailer.listed):
        conn.execute(sa.insert(channel_products), _build_channel_product_row(n, listed))
        conn.execute(sa.insert(listings), _build_listing_row(n, listed))
    for key, one in retailer.stocked.items():
        for variant, count in one.counts.items():
            conn.execute(sa.insert(stock), _build_stock_row(key, variant, count))


_TEXTS = {"title": "Lamp", "description": "", "tags": "[]", "images": "[]"}


def _build_product_row(variant: str) -> dict[str, Any]:
    more = {"options": "[]", "sort_title": "", "words": "", "status": "ACTIVE", "visible": True, "version": 1}
    return {"id": f"p-{variant}", "handle": variant, "created_at": START, "updated_at": START, **_TEXTS, **more}


def _build_variant_row(variant: str) -> dict[str, Any]:
    more = {"title": "", "options": "[]", "unit_of_measure": "each", "version": 1, "position": 0, "visible": True}
    return {"id": variant, "product_id": f"p-{variant}", "updated_at": START, **more}


def _build_channel_product_row(n: int, listed: ListedVariant) -> dict[str, Any]:
    status = "ACTIVE" if listed.product_active else "DRAFT"
    more = {"grouped": False, "status": status, "category": "[]", "gone": False}
    return {"id": f"cp{n}", "channel": listed.channel, "external_id": f"{n}", **_TEXTS, **more}


def _build_listing_row(n: int, listed: ListedVariant) -> dict[str, Any]:
    return {
        "id": f"l{n}",
        "channel": listed.channel,
        "external_id": f"{n}",
        "generation": 1,
        "current": True,
        "gone": False,
        "channel_product_id": f"cp{n}",
        "position": 0,
        "variant_id": listed.variant,
        "product_id": f"p-{listed.variant}",
        "condition": "new",
        "title": "",
        "options": "[]",
        "unit_of_measure": "each",
        "price": listed.price,
        "currency": None if listed.price is None else listed.currency,
        "price_includes_tax": True,
        "units_per_listing": listed.units,
        "tracked": listed.tracked,
        "inventory_item": f"item-{listed.variant}",
        "status": "ACTIVE" if listed.active else "INACTIVE",
    }


def _build_stock_row(location: str, variant: str, count: int | None) -> dict[str, Any]:
    _, authority = KINDS[location]
    named = {"id": f"{location}-{variant}", "channel": authority, "item": f"item-{variant}"}
    numbers = {
        "on_hand": count or 0,
        "committed": 0,
        "held": 0,
        "incoming": 0,
        "version": 1,
        "known": count is not None,
    }
    return {**named, "place": f"{location}-{authority}", **numbers, "updated_at": START}
