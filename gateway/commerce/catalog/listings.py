"""Listings of product records: new, changed, removed, or replaced by another item under the same ID (rules S5, I2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from gateway.commerce.catalog import attributes, prices, texts
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord
from gateway.model.ids import derive_id, get_first_time
from gateway.model.money import Money, to_micros
from gateway.model.validation import normalize_sku
from gateway.sdk.records import ProductRecord, VariantRecord
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.sql.media_json import dump_image, dump_images, dump_media
from gateway.storage.sql.option_json import dump_option_texts
from gateway.storage.sql.price_json import StoredPrice, dump_net_content, dump_prices
from gateway.storage.sync.id_namespaces import ensure_namespace
from gateway.storage.writes import listings
from gateway.storage.writes.listings import ChannelProductRow, ListingRow

REPLACED_REASON = "another thing stands under the same id since"


class ListingChanges:
    """The listings that a batch changes.

    Attributes:
        new: listings to insert.
        changed: listings to store, by ID.
        replaced: new listings that are another item under an ID in use.
        former: the changed listings as they were: the listings that they leave may be matched anew.
        products: the channel products that were written, by ID.
    """

    def __init__(self) -> None:
        self.new: list[ListingRow] = []
        self.changed: dict[str, ListingRow] = {}
        self.replaced: list[ListingRow] = []
        self.former: list[ListingRow] = []
        self.products: dict[str, ChannelProductRow] = {}

    def list_rows(self) -> list[ListingRow]:
        """Return the new and the changed listings."""
        return [*self.new, *self.changed.values()]


def write_listings(conn: Connection, batch: IngestBatch[ProductRecord]) -> ListingChanges:
    """Store the channel products of a batch, and collect the changes of listings, which are stored once they are
    matched.
    """
    before = listings.find_channel_products(conn, [*(ingested.source_id for ingested in batch.records), *batch.removed])
    current = _load_current(conn, batch)
    written = ListingChanges()
    keys, owner = _compute_match_keys(batch), _map_owners(batch)
    for ingested in batch.records:
        for position, variant in enumerate(ingested.record.variants):
            if owner[variant.ref.id] != ingested.source_id:
                continue
            row = _build_row(batch, ingested, position, variant, keys[ingested.source_id, variant.ref.id])
            _classify_listing(
                row, current.get(variant.ref.id), before.get(ingested.source_id), ingested.record, written
            )
    _set_ids(conn, written.new, batch.channel)
    _mark_removed(batch, current, written)
    written.former += [row for row in current.values() if row.id in written.changed]
    prices.track_prices(conn, written.list_rows(), {row.id: row for row in written.former}, batch)
    rows = [*_build_product_rows(batch, before), *_build_removed_products(batch.removed, before)]
    listings.store_channel_products(conn, rows)
    texts.store_translations(conn, batch.records, before)
    written.products = {row.id: row for row in rows}
    return written


def _load_current(conn: Connection, batch: IngestBatch[ProductRecord]) -> dict[str, ListingRow]:
    """Load the current listings of the batch's variants and products."""
    ids = [variant.ref.id for ingested in batch.records for variant in ingested.record.variants]
    sources = [*(ingested.source_id for ingested in batch.records), *batch.removed]
    rows = [
        *listings.find_current_listings(conn, batch.channel, ids),
        *listings.find_listings(conn, "channel_product_id", sources),
    ]
    return {row.external_id: row for row in rows if row.current}


def _map_owners(batch: IngestBatch[ProductRecord]) -> dict[str, str]:
    """Map variants to the products that contain them; if several do, the last one."""
    return {variant.ref.id: ingested.source_id for ingested in batch.records for variant in ingested.record.variants}


def _compute_match_keys(batch: IngestBatch[ProductRecord]) -> dict[tuple[str, str], str | None]:
    variants = [(ingested.source_id, variant) for ingested in batch.records for variant in ingested.record.variants]
    keys = batch.rules.matching([variant for _, variant in variants])
    return {(source_id, variant.ref.id): key for (source_id, variant), key in zip(variants, keys, strict=True)}


def _classify_listing(
    row: ListingRow,
    old: ListingRow | None,
    product: ChannelProductRow | None,
    record: ProductRecord,
    written: ListingChanges,
) -> None:
    if old is None:
        written.new.append(row)
    elif old.gone or _is_replaced(old, row, product, record):
        row.generation = old.generation + 1
        if not old.gone:
            written.replaced.append(row)
        written.changed[old.id] = replace(old, current=False)
        written.new.append(row)
    else:
        written.changed[old.id] = replace(
            row,
            id=old.id,
            generation=old.generation,
            variant_id=old.variant_id,
            product_id=old.product_id,
            matched_by=old.matched_by,
            updated_at=old.updated_at,
            first_seen_at=old.first_seen_at,
        )


def _set_ids(conn: Connection, rows: Sequence[ListingRow], channel: str) -> None:
    """Set the ids of new listings, and of the variants that they begin (rule H1)."""
    namespace = ensure_namespace(conn, channel) if rows else ""
    for row in rows:
        row.id = row.variant_id = derive_id("listing", namespace, row.external_id, row.generation)


def _is_replaced(old: ListingRow, row: ListingRow, product: ChannelProductRow | None, record: ProductRecord) -> bool:
    """Whether the ID is another item now: another GTIN, another title and brand (rule I2), or another unit of measure
    (rule O7).
    """
    if old.unit_of_measure != row.unit_of_measure:
        return True
    if old.gtin is not None and row.gtin is not None and old.gtin != row.gtin:
        return True
    titles = (old.title, row.title) if old.title or row.title else (product and product.title, record.title)
    return titles[0] != titles[1] and product is not None and product.brand != record.brand


def _build_row(
    batch: IngestBatch[ProductRecord],
    ingested: IngestedRecord[ProductRecord],
    position: int,
    variant: VariantRecord,
    key: str | None,
) -> ListingRow:
    includes_tax = variant.price_includes_tax
    priced = variant.price or variant.compare_at_price
    return ListingRow(
        id="",  # of a new one it is derived, once its generation is known
        channel=batch.channel,
        external_id=variant.ref.id,
        generation=1,
        current=True,
        gone=False,
        channel_product_id=ingested.source_id,
        position=position,
        variant_id="",
        product_id="",
        matched_by=None,
        sku=variant.sku,
        sku_key=None if variant.sku is None else normalize_sku(variant.sku),
        gtin=variant.gtin,
        match_key=key,
        condition=variant.condition,
        title=variant.title,
        options=dump_json([[option.name, option.value] for option in variant.selected_options]),
        image=dump_image(variant.image),
        unit_of_measure=variant.unit_of_measure,
        price=_get_minor(variant.price),
        price_micros=_get_micros(variant.exact_price, variant.price),
        compare_at_price=_get_minor(variant.compare_at_price),
        currency=None if priced is None else priced.currency_code,
        price_includes_tax=batch.rules.prices_include_tax.get(batch.channel, False)
        if includes_tax is None
        else includes_tax,
        units_per_listing=variant.units_per_listing,
        tracked=variant.tracked,
        inventory_item=variant.inventory_item or variant.ref.id,
        status=variant.status.value,
        url=variant.url,
        note=variant.ref.note,
        updated_at=batch.now,
        media=dump_media(variant.media, () if variant.image is None else (variant.image,)),
        attributes=attributes.dump_attributes(variant.attributes),
        prices=_dump_prices(variant),
        price_since=None,
        net_content=dump_net_content(variant.net_content, variant.price_per),
        option_texts=dump_option_texts(variant.selected_options, batch.channel),
        first_seen_at=batch.now,
    )


def _dump_prices(variant: VariantRecord) -> str | None:
    """Encode the prices in other currencies; of several in one currency, the first."""
    own = None if variant.price is None else variant.price.currency_code
    by_currency: dict[str, StoredPrice] = {}
    for price in variant.prices:
        currency = price.price.currency_code
        micros = _get_micros(price.exact_price, price.price)
        stored = StoredPrice(currency, price.price.minor, micros, _get_minor(price.compare_at_price))
        by_currency.setdefault(currency, stored)
    return dump_prices(price for currency, price in by_currency.items() if currency != own)


def _get_micros(exact: Decimal | None, price: Money | None) -> int | None:
    """Return the exact price in millionths; None: the price in the smallest unit of the currency is exact."""
    if exact is None or price is None or exact == Decimal(price.amount):
        return None
    return to_micros(exact)


def _get_minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


def _mark_removed(batch: IngestBatch[ProductRecord], current: dict[str, ListingRow], written: ListingChanges) -> None:
    """Mark listings as removed that their products do not contain any more."""
    named = {variant.ref.id for ingested in batch.records for variant in ingested.record.variants}
    sources = {*(ingested.source_id for ingested in batch.records), *batch.removed}
    for row in current.values():
        if row.external_id not in named and row.channel_product_id in sources and not row.gone:
            written.changed[row.id] = replace(row, gone=True)


def _build_removed_products(ids: Sequence[str], before: dict[str, ChannelProductRow]) -> list[ChannelProductRow]:
    return [replace(before[id_], gone=True) for id_ in ids if id_ in before]


def _build_product_rows(
    batch: IngestBatch[ProductRecord], before: Mapping[str, ChannelProductRow]
) -> Iterator[ChannelProductRow]:
    for ingested in batch.records:
        former = before.get(ingested.source_id)
        row = _build_product_row(batch, ingested)
        if former is not None:
            row.first_seen_at = get_first_time(former.id, former.first_seen_at)
        yield row


def _build_product_row(batch: IngestBatch[ProductRecord], ingested: IngestedRecord[ProductRecord]) -> ChannelProductRow:
    record = ingested.record
    return ChannelProductRow(
        id=ingested.source_id,
        channel=batch.channel,
        external_id=record.ref.id,
        grouped=len(record.variants) > 1 or any(variant.selected_options for variant in record.variants),
        title=record.title,
        description=record.description,
        brand=record.brand,
        tags=dump_json(list(record.tags)),
        status=record.status.value,
        images=dump_images(record.images),
        category=dump_json(list(record.category)),
        created_at=record.created_at,
        gone=False,
        media=dump_media(record.media, record.images),
        locale=record.locale,
        html=record.description_html,
        seo_title=record.seo_title,
        seo_description=record.seo_description,
        texts_digest=texts.compute_digest(record),
        attributes=attributes.dump_attributes(record.attributes),
        handle=record.handle,
        rating=None if record.rating is None else record.rating.average,
        rating_count=None if record.rating is None else record.rating.count,
        first_seen_at=batch.now,
    )
