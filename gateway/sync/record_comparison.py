"""Record comparison: compares stored products, listings, prices and orders with what their channel reports now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model.channels import Resource
from gateway.model.money import Money
from gateway.sdk.errors import ChannelError
from gateway.sdk.feeds import AnyFeed, Raw
from gateway.sdk.records import Gone, OrderRecord, ProductRecord, VariantRecord
from gateway.storage import compared_records
from gateway.storage.compared_records import StoredListing, StoredRecord
from gateway.storage.sql.bulk import slice_items
from gateway.sync.channel_sync import ChannelSync, get_resource

FETCH_SIZE = 100

SAMPLE_SIZE = 500
"""Latest records of a feed that are compared: a channel may have millions, and limits how many it lets be read."""


@dataclass(slots=True)
class Comparison:
    """The result of a comparison.

    Attributes:
        compared: number of compared values, by kind.
        differences: values that should be equal, a line each.
        in_flight: differences of records that are to be read again.
    """

    compared: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    in_flight: list[str] = field(default_factory=list)

    def count(self, kind: str, number: int = 1) -> None:
        """Count compared values."""
        self.compared[kind] = self.compared.get(kind, 0) + number


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of one record. `subject`: what differs."""

    subject: str
    stored: object
    reported: object

    def __str__(self) -> str:
        return f"{self.subject}: {self.stored} in the gateway, {self.reported} in the channel"


async def compare_records(sync: ChannelSync, comparison: Comparison) -> None:
    """Compare the latest products and orders of a channel, in feeds that can read single records.

    Raises:
        ChannelError: the channel cannot be read.
    """
    for feed in sync.channel.live_feeds.values():
        if get_resource(feed) in (Resource.PRODUCTS, Resource.ORDERS):
            stored = await sync.database.read(compared_records.list_latest_records, sync.key, feed.name, SAMPLE_SIZE)
            for batch in slice_items(stored, FETCH_SIZE):
                await _compare_batch(sync, feed, batch, comparison)


async def _compare_batch(
    sync: ChannelSync, feed: AnyFeed, batch: Sequence[StoredRecord], comparison: Comparison
) -> None:
    reported = await _fetch_records(sync, feed, batch)
    products = {id_: record for id_, record in reported.items() if isinstance(record, ProductRecord)}
    orders = {id_: record for id_, record in reported.items() if isinstance(record, OrderRecord)}
    by_record = {
        **await _compare_products(sync, products, comparison),
        **await _compare_orders(sync, orders, comparison),
    }
    for stored in batch:
        differences = list(by_record.get(stored.id, ()))
        if isinstance(reported.get(stored.id), Gone):
            differences.append(Difference(f"{sync.key}, {stored.ref.id} of {feed.name}", "shown", "gone"))
        (comparison.in_flight if stored.is_waiting else comparison.differences).extend(map(str, differences))


async def _fetch_records(sync: ChannelSync, feed: AnyFeed, batch: Sequence[StoredRecord]) -> Mapping[str, object]:
    """Fetch records, by the id of their source. Records that the channel or the plugin cannot read raise an error."""
    answers = await sync.channel.fetch(feed.name, [stored.ref for stored in batch], sync.table.call_deadline)
    for answer in answers.values():
        if isinstance(answer, ChannelError):
            raise answer
    raws = {id_: answer for id_, answer in answers.items() if isinstance(answer, Raw)}
    records: dict[str, object] = {id_: answer for id_, answer in answers.items() if isinstance(answer, Gone)}
    records |= dict(zip(raws, await sync.channel.read(feed.name, list(raws.values())), strict=True))
    return {stored.id: records.get(stored.ref.id) for stored in batch}


async def _compare_products(
    sync: ChannelSync, products: Mapping[str, ProductRecord], comparison: Comparison
) -> Mapping[str, Collection[Difference]]:
    variant_ids = {variant.ref.id for product in products.values() for variant in product.variants}
    titles = await sync.database.read(compared_records.find_product_titles, list(products))
    listings = await sync.database.read(compared_records.find_stored_listings, sync.key, variant_ids)
    comparison.count("products", len(products))
    differences: dict[str, list[Difference]] = {}
    for id_, product in products.items():
        differences[id_] = []
        if titles.get(id_) != product.title:
            differences[id_].append(Difference(f"{sync.key}, product {product.ref.id}", titles.get(id_), product.title))
        for variant in product.variants:
            listing = listings.get(variant.ref.id)
            if listing is None or listing.product_id == id_:  # else another product of the channel lists it, too
                differences[id_] += _compare_listing(sync.key, listing, variant, comparison)
    return differences


def _compare_listing(
    channel: str, listing: StoredListing | None, variant: VariantRecord, comparison: Comparison
) -> Iterator[Difference]:
    name = f"{channel}, listing {variant.ref.id}"
    comparison.count("listings")
    if listing is None:
        yield Difference(name, "unknown", "listed")
        return
    comparison.count("prices")
    stored, reported = _format_price(listing.price, listing.currency), _format_money(variant.price)
    if stored != reported:
        yield Difference(f"{name}, price", stored, reported)


async def _compare_orders(
    sync: ChannelSync, orders: Mapping[str, OrderRecord], comparison: Comparison
) -> Mapping[str, Collection[Difference]]:
    stored = await sync.database.read(compared_records.find_stored_orders, list(orders))
    comparison.count("orders", len(orders))
    differences: dict[str, list[Difference]] = {}
    for id_, order in orders.items():
        total = None if order.total is None else order.total.minor
        known = stored.get(id_)
        before = None if known is None else (known.status, known.total)
        if before != (order.status.value, total):
            name = f"{sync.key}, order {order.number}"
            differences[id_] = [Difference(name, before or "unknown", (order.status.value, total))]
    return differences


def _format_money(price: Money | None) -> str:
    return _format_price(None, None) if price is None else _format_price(price.minor, price.currency_code)


def _format_price(minor: int | None, currency: str | None) -> str:
    return "no price" if minor is None or currency is None else f"{Money(minor, currency).amount} {currency}"
