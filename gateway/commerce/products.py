"""Products and variants as they follow from listings: groups, texts, offers, words (rule I3)."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.commerce import categories
from gateway.commerce.taking import Rules
from gateway.model.catalog import ListingStatus
from gateway.model.ids import new_id
from gateway.model.values import folded
from gateway.storage import listings, products
from gateway.storage.database import Connection
from gateway.storage.listings import ChannelProductRow, ListingRow
from gateway.storage.log import Subject
from gateway.storage.products import Offer, ProductRow, VariantRow
from gateway.storage.rows import dump
from gateway.storage.search import kept_words

_LAST = 1_000_000

LONGEST_KEY = 600
"""Characters of a text in an index: PostgreSQL takes 2,704 bytes, and a folded text may be longer than it was."""


@dataclass(slots=True)
class Rebuilt:
    """What changed, with the versions that it has now."""

    products: list[Subject] = field(default_factory=list)
    variants: list[Subject] = field(default_factory=list)


@dataclass(slots=True)
class Shelf:
    """Everything that a rebuild looks at: whole products, as they were and as they are to be."""

    rules: Rules
    now: datetime
    members: dict[str, list[ListingRow]]  # by variant, the preferred channel first
    channel_products: Mapping[str, ChannelProductRow]
    variants: Mapping[str, VariantRow]
    products: Mapping[str, ProductRow]


def rebuild(
    conn: Connection,
    rows: Sequence[ListingRow],
    written: Mapping[str, ChannelProductRow],
    dropped: Collection[str],
    rules: Rules,
    now: datetime,
) -> Rebuilt:
    """Bring the products of these listings up to date. The listings make up whole products; theirs is set in them.

    Args:
        written: those of the channels' products that need not be read.
        dropped: variants that are others now.
    """
    missing = {row.channel_product_id for row in rows} - written.keys()
    channel_products = {**written, **listings.products_of(conn, missing)}
    shelf = _shelf(conn, rows, channel_products, dropped, rules, now)
    product_of, abandoned = _assigned(shelf)
    for row in rows:
        row.product_id = product_of[row.variant_id]
    by_product: dict[str, list[str]] = defaultdict(list)
    for variant_id, product_id in product_of.items():
        by_product[product_id].append(variant_id)
    rebuilt = Rebuilt()
    _store_variants(conn, shelf, by_product, dropped, rebuilt)
    _store_products(conn, shelf, by_product, rebuilt)
    went = _went(shelf, product_of)
    products.redirect(conn, {old: new for old, new in went.items() if old in abandoned})
    left = [shelf.products[id_] for id_ in sorted(abandoned)]
    products.drop_products(conn, left)
    rebuilt.products += [(row.id, row.version + 1) for row in left]
    return rebuilt


def _shelf(
    conn: Connection,
    rows: Sequence[ListingRow],
    channel_products: Mapping[str, ChannelProductRow],
    dropped: Collection[str],
    rules: Rules,
    now: datetime,
) -> Shelf:
    members: dict[str, list[ListingRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: _rank(row, rules)):
        members[row.variant_id].append(row)
    variants = products.variants_by_id(conn, {*members, *dropped})
    known = {row.product_id for row in rows if row.product_id} | {variant.product_id for variant in variants.values()}
    return Shelf(
        rules=rules,
        now=now,
        members=members,
        channel_products=channel_products,
        variants=variants,
        products=products.products_by_id(conn, known),
    )


def _rank(row: ListingRow, rules: Rules) -> tuple[object, ...]:
    """Live ones first, by the catalogue's order of preference; then by what the channel calls them."""
    return (not row.live, rules.priority.get(row.channel, _LAST), row.channel, row.external_id, row.generation)


# ------------------------------------------------------------------------------------------------ which product


def _assigned(shelf: Shelf) -> tuple[dict[str, str], set[str]]:
    """The product of each variant; and the products that no variant has any more.

    A product keeps the id that most of its variants had; of several, the oldest (rule I3).
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for variant_id, rows in shelf.members.items():
        if rows[0].live or variant_id not in shelf.variants:
            groups[_group(shelf, variant_id)].append(variant_id)
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for group, product_id in _claims(shelf, groups):
        if group not in ids and product_id not in taken:
            ids[group] = product_id
            taken.add(product_id)
    product_of = {
        variant_id: ids.setdefault(group, new_id(shelf.now))
        for group, variant_ids in groups.items()
        for variant_id in variant_ids
    }
    product_of |= _former(shelf, product_of)
    return product_of, set(shelf.products) - set(product_of.values())


def _group(shelf: Shelf, variant_id: str) -> str:
    """What a variant is grouped by: the preferred channel's product, where that groups; else itself."""
    for row in shelf.members[variant_id]:
        if row.live and shelf.channel_products[row.channel_product_id].grouped:
            return row.channel_product_id
    return variant_id


def _former(shelf: Shelf, product_of: Mapping[str, str]) -> dict[str, str]:
    """Variants that nobody lists any more stay with their product, or go where most of it went."""
    went = _went(shelf, product_of)
    return {
        variant_id: went.get(known.product_id, known.product_id)
        for variant_id in shelf.members
        if variant_id not in product_of and (known := shelf.variants[variant_id])
    }


def _went(shelf: Shelf, product_of: Mapping[str, str]) -> dict[str, str]:
    """For each product that lost its variants: the product where most of them are now; of several, the oldest."""
    kept, counts = set(product_of.values()), defaultdict[str, Counter[str]](Counter)
    survivors = _survivors(shelf)
    for variant_id, known in shelf.variants.items():
        product_id = product_of.get(survivors.get(variant_id, variant_id))
        if product_id is not None and known.product_id not in kept:
            counts[known.product_id][product_id] += 1
    return {old: min(found, key=lambda id_: (-found[id_], id_)) for old, found in counts.items()}


def _survivors(shelf: Shelf) -> dict[str, str]:
    """What each variant is now that some listing ever brought."""
    return {row.id: row.variant_id for rows in shelf.members.values() for row in rows}


def _claims(shelf: Shelf, groups: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """(group, product id) in order of right: most variants first, merged ones too, then the oldest id."""
    counts: Counter[tuple[str, str]] = Counter()
    group_of = {variant_id: group for group, variant_ids in groups.items() for variant_id in variant_ids}
    survivors = _survivors(shelf)
    for variant_id, known in shelf.variants.items():
        group = group_of.get(survivors.get(variant_id, variant_id))
        if group is not None and known.product_id in shelf.products:
            counts[group, known.product_id] += 1
    return sorted(counts, key=lambda claim: (-counts[claim], claim[1], claim[0]))


# ------------------------------------------------------------------------------------------------ rows


def _store_variants(
    conn: Connection, shelf: Shelf, by_product: Mapping[str, Sequence[str]], dropped: Collection[str], rebuilt: Rebuilt
) -> None:
    changed = []
    for product_id, variant_ids in by_product.items():
        for variant_id in variant_ids:
            row = _variant(shelf, product_id, variant_id)
            if row != shelf.variants.get(variant_id):
                row.version, row.updated_at = row.version + 1, shelf.now
                changed.append(row)
                rebuilt.variants.append((row.id, row.version))
    products.store_variants(conn, changed, shelf.variants)
    products.drop_variants(conn, dropped)
    rebuilt.variants += [(id_, shelf.variants[id_].version + 1) for id_ in sorted(dropped) if id_ in shelf.variants]


def _variant(shelf: Shelf, product_id: str, variant_id: str) -> VariantRow:
    rows = shelf.members[variant_id]
    lead, known = _lead(shelf, variant_id), shelf.variants.get(variant_id)
    shown = [row for row in rows if row.live] or rows
    return VariantRow(
        id=variant_id,
        product_id=product_id,
        version=known.version if known else 0,
        position=lead.position,
        sku=next((row.sku for row in shown if row.sku), None),
        gtin=next((row.gtin for row in shown if row.gtin), None),
        title=lead.title or shelf.channel_products[lead.channel_product_id].title,
        image=lead.image,
        options=lead.options,
        unit_of_measure=lead.unit_of_measure,
        visible=rows[0].live,
        updated_at=known.updated_at if known else shelf.now,
    )


def _lead(shelf: Shelf, variant_id: str) -> ListingRow:
    """The listing whose words stand for the variant: the one that groups it, else the preferred one."""
    rows = shelf.members[variant_id]
    grouping = (row for row in rows if row.live and shelf.channel_products[row.channel_product_id].grouped)
    return next(grouping, rows[0])


def _store_products(conn: Connection, shelf: Shelf, by_product: Mapping[str, Sequence[str]], rebuilt: Rebuilt) -> None:
    paths = categories.ensure(conn, [_source(shelf, ids).category for ids in by_product.values()], shelf.now)
    changed = []
    for product_id, variant_ids in by_product.items():
        row = _product(shelf, product_id, variant_ids, paths)
        if row != shelf.products.get(product_id):
            row.version, row.updated_at = row.version + 1, shelf.now
            changed.append(row)
    products.store_products(conn, changed, shelf.products)
    rebuilt.products += [(row.id, row.version) for row in changed]
    known = [id_ for id_ in by_product if id_ in shelf.products]
    products.store_offers(conn, known, [offer for item in by_product.items() for offer in _offers(shelf, *item)])
    products.store_tags(conn, changed, shelf.products)
    products.store_words(conn, "product", changed, shelf.products)


def _source(shelf: Shelf, variant_ids: Iterable[str]) -> ChannelProductRow:
    """The channel's product whose texts stand for the product."""
    leads = sorted((_lead(shelf, variant_id) for variant_id in variant_ids), key=lambda row: _rank(row, shelf.rules))
    return shelf.channel_products[leads[0].channel_product_id]


def _product(shelf: Shelf, product_id: str, variant_ids: Sequence[str], paths: Mapping[str, str]) -> ProductRow:
    source, known = _source(shelf, variant_ids), shelf.products.get(product_id)
    return ProductRow(
        id=product_id,
        handle=known.handle if known else f"{slug(source.title)}-{product_id[-12:]}",
        version=known.version if known else 0,
        title=source.title,
        description=source.description,
        brand=source.brand,
        category_id=paths.get(source.category),
        tags=source.tags,
        status=source.status,
        images=source.images,
        options=_options(shelf, variant_ids),
        visible=any(shelf.members[variant_id][0].live for variant_id in variant_ids),
        sort_title=folded(source.title)[:LONGEST_KEY],
        words=_words(shelf, source, variant_ids),
        created_at=known.created_at if known else source.created_at or shelf.now,
        updated_at=known.updated_at if known else shelf.now,
    )


def slug(title: str) -> str:
    """The title as part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", folded(title)).strip("-")[:60] or "product"


def _listed(shelf: Shelf, variant_ids: Sequence[str]) -> Sequence[str]:
    """Those of a product's variants that some channel lists; all, where none is listed any more."""
    return [variant_id for variant_id in variant_ids if shelf.members[variant_id][0].live] or variant_ids


def _options(shelf: Shelf, variant_ids: Sequence[str]) -> str:
    options: dict[str, dict[str, None]] = {}
    leads = [_lead(shelf, variant_id) for variant_id in _listed(shelf, variant_ids)]
    for lead in sorted(leads, key=lambda row: (row.position, row.external_id)):
        for name, value in json.loads(lead.options):
            options.setdefault(name, {})[value] = None
    return dump([[name, list(values)] for name, values in options.items()])


def _offers(shelf: Shelf, product_id: str, variant_ids: Sequence[str]) -> list[Offer]:
    """One row per channel that lists the product, with its least and greatest price there."""
    by_channel: dict[str, list[ListingRow]] = defaultdict(list)
    for variant_id in variant_ids:
        for row in shelf.members[variant_id]:
            if row.live and row.status == ListingStatus.ACTIVE.value:
                by_channel[row.channel].append(row)
    return [Offer(product_id, channel, *_price_range(rows)) for channel, rows in by_channel.items()]


def _price_range(rows: Sequence[ListingRow]) -> tuple[int | None, int | None, str | None]:
    priced = [(row.price, row.currency) for row in rows if row.price is not None]
    if len({currency for _, currency in priced}) != 1:
        return None, None, None
    amounts = [price for price, _ in priced]
    return min(amounts), max(amounts), priced[0][1]


def _words(shelf: Shelf, source: ChannelProductRow, variant_ids: Sequence[str]) -> str:
    texts = [source.title, source.brand or "", *json.loads(source.tags)]
    for variant_id in _listed(shelf, variant_ids):
        lead = _lead(shelf, variant_id)
        texts += [lead.title, *(value for _, value in json.loads(lead.options))]
    return kept_words(texts)
