"""From a channel's product records to listing rows: what is new, what changed, what is another thing now (S5, I2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from gateway.commerce.taking import Seen, Take
from gateway.model.ids import new_id
from gateway.model.money import Money
from gateway.model.values import sku_key
from gateway.sdk.records import ProductRecord, VariantRecord
from gateway.storage import listings
from gateway.storage.database import Connection
from gateway.storage.listings import ChannelProductRow, ListingRow
from gateway.storage.rows import dump

ANOTHER = "another thing stands under the same id since"


class Written:
    """What becomes of listings in a take.

    Attributes:
        replaced: those of the new ones that are another thing under an id that is in use.
        former: the changed ones as they were: whom they leave may belong together now.
        products: the channel's products that were written, by id.
    """

    def __init__(self) -> None:
        self.new: list[ListingRow] = []
        self.changed: dict[str, ListingRow] = {}
        self.replaced: list[ListingRow] = []
        self.former: list[ListingRow] = []
        self.products: dict[str, ChannelProductRow] = {}

    def rows(self) -> list[ListingRow]:
        """Everything that the take wrote."""
        return [*self.new, *self.changed.values()]


def write(conn: Connection, take: Take[ProductRecord]) -> Written:
    """Write channel products, and say what becomes of listings: those are stored once it is known where they belong."""
    before = listings.products_of(conn, [*(seen.source_id for seen in take.seen), *take.gone])
    known = _known(conn, take)
    written = Written()
    keys, owner = _match_keys(take), _owners(take)
    for seen in take.seen:
        for position, variant in enumerate(seen.record.variants):
            if owner[variant.ref.id] != seen.source_id:
                continue
            row = _row(take, seen, position, variant, keys[seen.source_id, variant.ref.id])
            _write_one(row, known.get(variant.ref.id), before.get(seen.source_id), seen.record, take, written)
    _retire(take, known, written)
    written.former += [row for row in known.values() if row.id in written.changed]
    rows = [*(_product_row(take, seen) for seen in take.seen), *_gone(take.gone, before)]
    listings.store_products(conn, rows)
    written.products = {row.id: row for row in rows}
    return written


def _known(conn: Connection, take: Take[ProductRecord]) -> dict[str, ListingRow]:
    """The current listings of these variants, and of these products."""
    ids = [variant.ref.id for seen in take.seen for variant in seen.record.variants]
    sources = [*(seen.source_id for seen in take.seen), *take.gone]
    rows = [*listings.of_places(conn, take.channel, ids), *listings.select(conn, "channel_product_id", sources)]
    return {row.external_id: row for row in rows if row.current}


def _owners(take: Take[ProductRecord]) -> dict[str, str]:
    """Which product each variant belongs to: should several name it, the last one."""
    return {variant.ref.id: seen.source_id for seen in take.seen for variant in seen.record.variants}


def _match_keys(take: Take[ProductRecord]) -> dict[tuple[str, str], str | None]:
    places = [(seen.source_id, variant) for seen in take.seen for variant in seen.record.variants]
    keys = take.rules.matching([variant for _, variant in places])
    return {(source_id, variant.ref.id): key for (source_id, variant), key in zip(places, keys, strict=True)}


def _write_one(
    row: ListingRow,
    old: ListingRow | None,
    product: ChannelProductRow | None,
    record: ProductRecord,
    take: Take[ProductRecord],
    written: Written,
) -> None:
    if old is None:
        written.new.append(row)
    elif old.gone or _is_another(old, row, product, record):
        if not old.gone:
            written.replaced.append(row)
        written.changed[old.id] = replace(old, current=False)
        written.new.append(replace(row, generation=old.generation + 1))
    else:
        written.changed[old.id] = replace(
            row,
            id=old.id,
            generation=old.generation,
            variant_id=old.variant_id,
            product_id=old.product_id,
            matched_by=old.matched_by,
            updated_at=old.updated_at,
        )


def _is_another(old: ListingRow, row: ListingRow, product: ChannelProductRow | None, record: ProductRecord) -> bool:
    """Whether the channel gave the id to another thing: another GTIN, or another title and another brand (rule I2)."""
    if old.gtin is not None and row.gtin is not None and old.gtin != row.gtin:
        return True
    titles = (old.title, row.title) if old.title or row.title else (product and product.title, record.title)
    return titles[0] != titles[1] and product is not None and product.brand != record.brand


def _row(
    take: Take[ProductRecord], seen: Seen[ProductRecord], position: int, variant: VariantRecord, key: str | None
) -> ListingRow:
    id_ = new_id(take.now)
    gross = variant.price_includes_tax
    priced = variant.price or variant.compare_at_price
    return ListingRow(
        id=id_,
        channel=take.channel,
        external_id=variant.ref.id,
        generation=1,
        current=True,
        gone=False,
        channel_product_id=seen.source_id,
        position=position,
        variant_id=id_,
        product_id="",
        matched_by=None,
        sku=variant.sku,
        sku_key=None if variant.sku is None else sku_key(variant.sku),
        gtin=variant.gtin,
        match_key=key,
        condition=variant.condition,
        title=variant.title,
        options=dump([[option.name, option.value] for option in variant.selected_options]),
        image=None if variant.image is None else dump(asdict(variant.image)),
        unit_of_measure=variant.unit_of_measure,
        price=_minor(variant.price),
        compare_at_price=_minor(variant.compare_at_price),
        currency=None if priced is None else priced.currency_code,
        price_includes_tax=take.rules.gross.get(take.channel, False) if gross is None else gross,
        units_per_listing=variant.units_per_listing,
        tracked=variant.tracked,
        inventory_item=variant.inventory_item or variant.ref.id,
        status=variant.status.value,
        url=variant.url,
        note=variant.ref.note,
        updated_at=take.now,
    )


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


def _retire(take: Take[ProductRecord], known: dict[str, ListingRow], written: Written) -> None:
    """What the products no longer contain, and what products that are gone contained, is gone."""
    named = {variant.ref.id for seen in take.seen for variant in seen.record.variants}
    sources = {*(seen.source_id for seen in take.seen), *take.gone}
    for row in known.values():
        if row.external_id not in named and row.channel_product_id in sources and not row.gone:
            written.changed[row.id] = replace(row, gone=True)


def _gone(ids: Sequence[str], before: dict[str, ChannelProductRow]) -> list[ChannelProductRow]:
    return [replace(before[id_], gone=True) for id_ in ids if id_ in before]


def _product_row(take: Take[ProductRecord], seen: Seen[ProductRecord]) -> ChannelProductRow:
    record = seen.record
    return ChannelProductRow(
        id=seen.source_id,
        channel=take.channel,
        external_id=record.ref.id,
        grouped=len(record.variants) > 1 or any(variant.selected_options for variant in record.variants),
        title=record.title,
        description=record.description,
        brand=record.brand,
        tags=dump(list(record.tags)),
        status=record.status.value,
        images=dump([asdict(image) for image in record.images]),
        category=dump(list(record.category)),
        created_at=record.created_at,
        gone=False,
    )
