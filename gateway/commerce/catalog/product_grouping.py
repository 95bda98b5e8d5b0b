"""Product grouping: which variants form a product, and which ID the product has (rule I3)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce.ingest_batch import IngestBatch, IngestRules
from gateway.model.ids import generate_id, swap_product_and_listing
from gateway.model.product_membership import Member, find_main_product
from gateway.sdk.records import ProductRecord
from gateway.storage.database import Connection
from gateway.storage.writes import products
from gateway.storage.writes.listings import ChannelProductRow, ListingRow
from gateway.storage.writes.products import ProductRow, VariantRow

LAST_PRIORITY = 1_000_000


@dataclass(slots=True)
class ProductGroup:
    """The products that a rebuild affects, as they were and as they will be."""

    rules: IngestRules
    now: datetime
    count: int
    members: dict[str, list[ListingRow]]  # by variant, the preferred channel first
    channel_products: Mapping[str, ChannelProductRow]
    variants: Mapping[str, VariantRow]
    products: Mapping[str, ProductRow]


def load_group(
    conn: Connection,
    rows: Sequence[ListingRow],
    channel_products: Mapping[str, ChannelProductRow],
    dropped: Collection[str],
    batch: IngestBatch[ProductRecord],
) -> ProductGroup:
    members: dict[str, list[ListingRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: rank_listing(row, batch.rules)):
        members[row.variant_id].append(row)
    variants = products.find_variants(conn, {*members, *dropped})
    product_ids = {row.product_id for row in rows if row.product_id} | {
        variant.product_id for variant in variants.values()
    }
    return ProductGroup(
        rules=batch.rules,
        now=batch.now,
        count=batch.count,
        members=members,
        channel_products=channel_products,
        variants=variants,
        products=products.find_products(conn, product_ids),
    )


def rank_listing(row: ListingRow, rules: IngestRules) -> tuple[object, ...]:
    """Rank listings: live ones first, then by the channel's priority in the catalog, then by external ID."""
    return (
        not row.is_live,
        rules.priority.get(row.channel, LAST_PRIORITY),
        row.channel,
        row.external_id,
        row.generation,
    )


def assign_products(conn: Connection, group: ProductGroup) -> tuple[dict[str, str], set[str]]:
    """Assign a product to each variant. Returns it by variant, and the products that have no variant any more.

    A product keeps the ID that most of its variants had; among several, the oldest (rule I3). A product gives up
    an ID that stands for another one now (rule H1).
    """
    variants_by_key: dict[str, list[str]] = defaultdict(list)
    for variant_id, rows in group.members.items():
        if rows[0].is_live or variant_id not in group.variants:
            variants_by_key[_get_group_key(group, variant_id)].append(variant_id)
    owners = _map_owners(group, variants_by_key)
    ids: dict[str, str] = {}
    assigned_ids: set[str] = set()
    for key, product_id in _rank_claims(group, variants_by_key):
        if key not in ids and product_id not in assigned_ids and _is_owner(owners, product_id, key):
            ids[key] = product_id
            assigned_ids.add(product_id)
    new = {key: variant_ids for key, variant_ids in variants_by_key.items() if key not in ids}
    ids |= _name_products(conn, group, new, owners, assigned_ids)
    product_of = {variant_id: ids[key] for key, variant_ids in variants_by_key.items() for variant_id in variant_ids}
    product_of |= _assign_removed(group, product_of)
    return product_of, set(group.products) - set(product_of.values())


def _is_owner(owners: Mapping[str, str], product_id: str, key: str) -> bool:
    """Return whether a product ID stands for this group, or for none: else the group gives it up (rule H1)."""
    return owners.get(product_id, key) == key


def _map_owners(group: ProductGroup, variants_by_key: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Map the ids that listed channel products and listings give to products to the key of the group that each stands
    for.
    """
    owners: dict[str, str] = {}
    members: dict[str, list[Member]] = defaultdict(list)
    for key, variant_ids in variants_by_key.items():
        for row in (row for variant_id in variant_ids for row in group.members[variant_id] if row.is_live):
            owners[swap_product_and_listing(row.id)] = key
            members[row.channel_product_id].append(Member(key, row.variant_id, row.position, row.external_id))
    return owners | {id_: find_main_product(of_product) for id_, of_product in members.items()}


def _name_products(
    conn: Connection,
    group: ProductGroup,
    new: Mapping[str, Sequence[str]],
    owners: Mapping[str, str],
    assigned: set[str],
) -> dict[str, str]:
    """Name new products after a channel product that stands for them; if there is none, after a listing."""
    proposed = {key: list(_propose_ids(group, key, variant_ids, owners)) for key, variant_ids in new.items()}
    stored = products.find_products(conn, {id_ for ids in proposed.values() for id_ in ids}) if proposed else {}
    taken = assigned | (stored.keys() - group.products.keys())  # of the group, those that are not assigned are free
    return {
        key: next((id_ for id_ in ids if id_ not in taken), None) or generate_id(group.now)
        for key, ids in proposed.items()
    }


def _propose_ids(group: ProductGroup, key: str, variant_ids: Sequence[str], owners: Mapping[str, str]) -> Iterator[str]:
    rows = [row for variant_id in variant_ids for row in group.members[variant_id] if row.is_live]
    ranked = sorted(rows, key=lambda row: rank_listing(row, group.rules))
    for id_ in dict.fromkeys((key, *(row.channel_product_id for row in ranked))):
        if owners.get(id_) == key:
            yield id_
    yield from (swap_product_and_listing(row.id) for row in ranked)


def _get_age(group: ProductGroup, product_id: str) -> tuple[datetime, str]:
    """Return the sort key by which products are older or younger."""
    known = group.products.get(product_id)
    return (group.now, product_id) if known is None else known.age


def _get_group_key(group: ProductGroup, variant_id: str) -> str:
    """Return what a variant is grouped by: the preferred channel's product if that groups variants; else the variant
    itself.
    """
    for row in group.members[variant_id]:
        if row.is_live and group.channel_products[row.channel_product_id].grouped:
            return row.channel_product_id
    return variant_id


def _assign_removed(group: ProductGroup, product_of: Mapping[str, str]) -> dict[str, str]:
    """Assign removed variants to their former product, or to its successor."""
    successors = find_successors(group, product_of)
    return {
        variant_id: successors.get(variant.product_id, variant.product_id)
        for variant_id in group.members
        if variant_id not in product_of and (variant := group.variants[variant_id])
    }


def find_successors(group: ProductGroup, product_of: Mapping[str, str]) -> dict[str, str]:
    """Find the successor of each product that lost its variants: where most of them are now; in a tie the oldest."""
    current_products, counts = set(product_of.values()), defaultdict[str, Counter[str]](Counter)
    current_variants = _map_current_variants(group)
    for variant_id, variant in group.variants.items():
        product_id = product_of.get(current_variants.get(variant_id, variant_id))
        if product_id is not None and variant.product_id not in current_products:
            counts[variant.product_id][product_id] += 1
    return {
        old: min(candidates, key=lambda id_: (-candidates[id_], _get_age(group, id_)))
        for old, candidates in counts.items()
    }


def _map_current_variants(group: ProductGroup) -> dict[str, str]:
    """Map every variant ID that a listing ever introduced to its current variant."""
    return {row.id: row.variant_id for rows in group.members.values() for row in rows}


def _rank_claims(group: ProductGroup, variants_by_key: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Rank the claims of groups to product IDs: most variants first, merged ones included, then the oldest ID."""
    counts: Counter[tuple[str, str]] = Counter()
    key_of_variant = {variant_id: key for key, variant_ids in variants_by_key.items() for variant_id in variant_ids}
    current_variants = _map_current_variants(group)
    for variant_id, variant in group.variants.items():
        key = key_of_variant.get(current_variants.get(variant_id, variant_id))
        if key is not None and variant.product_id in group.products:
            counts[key, variant.product_id] += 1
    return sorted(counts, key=lambda claim: (-counts[claim], _get_age(group, claim[1]), claim[0]))
