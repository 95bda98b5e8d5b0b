"""Products and variants, derived from their listings: texts, options, offers, search words (rule I3)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.commerce.catalog import attributes, categories, handles, texts
from gateway.commerce.catalog.product_grouping import (
    ProductGroup,
    assign_products,
    find_successors,
    load_group,
    rank_listing,
)
from gateway.commerce.catalog.survivorship import FieldSources, choose_sources
from gateway.commerce.ingest_batch import IngestBatch
from gateway.model.catalog import ListingStatus, ProductField, ProductStatus
from gateway.model.search.ranking import BRAND, CATEGORY, DESCRIPTION, OPTIONS, TAGS, TITLE, SearchField, rank_words
from gateway.model.validation import MAX_KEY_LENGTH, fold
from gateway.sdk.records import ProductRecord
from gateway.storage.change_log import Subject
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.sql.option_json import list_value_labels, merge_option_texts
from gateway.storage.writes import listings, product_attributes, product_texts, products, search_index
from gateway.storage.writes.listings import ChannelProductRow, ListingRow
from gateway.storage.writes.products import OfferRow, ProductRow, VariantRow


@dataclass(slots=True)
class RebuiltCatalog:
    """What has changed.

    Attributes:
        products: products with their new versions. Those that a listing has left are changed, too.
        variants: variants with their new versions.
        reassigned: listings that no record changed, but that belong to another variant or product now.
    """

    products: list[Subject] = field(default_factory=list)
    variants: list[Subject] = field(default_factory=list)
    reassigned: list[ListingRow] = field(default_factory=list)


def rebuild_products(
    conn: Connection,
    rows: Sequence[ListingRow],
    written: Mapping[str, ChannelProductRow],
    dropped: Collection[str],
    batch: IngestBatch[ProductRecord],
) -> RebuiltCatalog:
    """Rebuild the products of these listings. The listings make up whole products; their product ID is set.

    Args:
        written: channel products that need not be read again.
        dropped: variants that were merged into others.
    """
    missing = {row.channel_product_id for row in rows} - written.keys()
    channel_products = {**written, **listings.find_channel_products(conn, missing)}
    group = load_group(conn, rows, channel_products, dropped, batch)
    product_of, abandoned = assign_products(conn, group)
    left = {row.product_id for row in rows if row.product_id != product_of[row.variant_id]}
    for row in rows:
        row.product_id = product_of[row.variant_id]
    by_product: dict[str, list[str]] = defaultdict(list)
    for variant_id, product_id in product_of.items():
        by_product[product_id].append(variant_id)
    rebuilt = RebuiltCatalog()
    _store_variants(conn, group, by_product, dropped, rebuilt)
    successors = find_successors(group, product_of)
    products.redirect_products(conn, {old: new for old, new in successors.items() if old in abandoned})
    removed = [group.products[id_] for id_ in sorted(abandoned)]
    products.add_former_handles(conn, [(row.handle, row.id) for row in removed], group.now)
    products.delete_products(conn, removed)
    _store_products(conn, group, by_product, rebuilt)
    rebuilt.products += [(row.id, row.version + 1) for row in removed]
    known = {id_ for id_, _ in rebuilt.products}
    rebuilt.products += [(id_, group.products[id_].version) for id_ in sorted(left & group.products.keys() - known)]
    return rebuilt


def _store_variants(
    conn: Connection,
    group: ProductGroup,
    by_product: Mapping[str, Sequence[str]],
    dropped: Collection[str],
    rebuilt: RebuiltCatalog,
) -> None:
    changed = []
    for product_id, variant_ids in by_product.items():
        for variant_id in variant_ids:
            row = _build_variant(group, product_id, variant_id)
            if row != group.variants.get(variant_id):
                row.version, row.updated_at = row.version + 1, group.now
                changed.append(row)
                rebuilt.variants.append((row.id, row.version))
    products.store_variants(conn, changed, group.variants)
    products.delete_variants(conn, dropped)
    rebuilt.variants += [(id_, group.variants[id_].version + 1) for id_ in sorted(dropped) if id_ in group.variants]


def _build_variant(group: ProductGroup, product_id: str, variant_id: str) -> VariantRow:
    rows = group.members[variant_id]
    lead, former = _find_lead(group, variant_id), group.variants.get(variant_id)
    shown = [row for row in rows if row.is_live] or rows
    pictured, described = _find_pictured(group, lead, shown), _rank_for(group, ProductField.ATTRIBUTES, shown)
    return VariantRow(
        id=variant_id,
        product_id=product_id,
        version=former.version if former else 0,
        position=lead.position,
        sku=next((row.sku for row in shown if row.sku), None),
        gtin=next((row.gtin for row in shown if row.gtin), None),
        title=lead.title or group.channel_products[lead.channel_product_id].title,
        image=pictured.image,
        options=lead.options,
        unit_of_measure=lead.unit_of_measure,
        visible=rows[0].is_live,
        updated_at=former.updated_at if former else group.now,
        media=pictured.media,
        media_channel=pictured.channel if pictured.image or pictured.media else None,
        attributes=attributes.merge_attributes(row.attributes for row in described),
        option_texts=lead.option_texts,
    )


def _find_pictured(group: ProductGroup, lead: ListingRow, rows: Sequence[ListingRow]) -> ListingRow:
    """Return the listing that gives a variant its media: the lead, unless media have an order of channels."""
    if ProductField.MEDIA not in group.rules.field_priority:
        return lead
    return next((row for row in _rank_for(group, ProductField.MEDIA, rows) if row.image or row.media), lead)


def _rank_for(group: ProductGroup, field: ProductField, rows: Sequence[ListingRow]) -> Sequence[ListingRow]:
    """Rank listings of a variant by the order of channels that a field has; as they are if it has none."""
    rank = group.rules.field_priority.get(field)
    return rows if rank is None else sorted(rows, key=lambda row: rank.get(row.channel, len(rank)))


def _find_lead(group: ProductGroup, variant_id: str) -> ListingRow:
    """Return the listing that gives a variant its texts: the one that groups it, else the preferred one."""
    rows = group.members[variant_id]
    grouping = (row for row in rows if row.is_live and group.channel_products[row.channel_product_id].grouped)
    return next(grouping, rows[0])


def _store_products(
    conn: Connection, group: ProductGroup, by_product: Mapping[str, Sequence[str]], rebuilt: RebuiltCatalog
) -> None:
    sources = {id_: _choose_sources(group, variant_ids) for id_, variant_ids in by_product.items()}
    used, named = {it[ProductField.CATEGORY].category for it in sources.values()}, _list_category_paths(group)
    paths = categories.ensure_categories(conn, used, (path for path, _, _ in named), group.now)
    rows = [_build_product(group, *item, sources[item[0]], paths) for item in by_product.items()]
    _build_search_indexes(conn, group, by_product, sources, rows)
    displaced = handles.settle_handles(conn, group, rows)
    changed = [*(row for row in rows if row != group.products.get(row.id)), *displaced]
    shown = [row for row in changed if _is_shown_change(row, group.products.get(row.id))]
    for row in shown:
        row.version, row.updated_at = row.version + 1, group.now
    products.store_products(conn, changed, {*group.products, *(row.id for row in displaced)})
    rebuilt.products += [(row.id, row.version) for row in shown]
    category_paths = {id_: _get_path(of_product, paths) for id_, of_product in sources.items()}
    sold_in = _store_offers(conn, group, by_product, category_paths)
    path_channels = {(id_, channel) for path, channel, sold in named if sold for id_ in paths.get(path, ())}
    products.add_category_path_channels(conn, sorted(path_channels - sold_in))
    rebuilt_rows = [row for row in changed if row not in displaced]
    products.store_tags(conn, rebuilt_rows, group.products)
    search_index.store_index(conn, rebuilt_rows, group.products)
    _store_attributes(conn, group, by_product, rows)


def _list_category_paths(group: ProductGroup) -> set[tuple[str, str, bool]]:
    """List the paths that channels have for their products, with the channel, and whether it sells the product."""
    live = [row for rows in group.members.values() for row in rows if row.is_live]
    sold = {row.channel_product_id for row in live if row.status == ListingStatus.ACTIVE.value}
    listed = [group.channel_products[id_] for id_ in {row.channel_product_id for row in live}]
    active = ProductStatus.ACTIVE.value
    return {(row.category, row.channel, row.id in sold and row.status == active) for row in listed}


def _get_path(sources: FieldSources, paths: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Return the IDs of a product's categories, from the root."""
    return paths.get(sources[ProductField.CATEGORY].category, ())


def _is_shown_change(row: ProductRow, former: ProductRow | None) -> bool:
    """Return whether clients see that a product has changed. They do not see its index, which an upgrade changes, nor
    that an upgrade has stored when it was first seen and which channels wrote its fields.
    """
    if former is None:
        return True
    written, index, time = former.field_sources and row.field_sources, former.search_index, former.first_seen_at
    return replace(row, search_index=index, field_sources=written, first_seen_at=time) != former


def _store_attributes(
    conn: Connection, group: ProductGroup, by_product: Mapping[str, Sequence[str]], rows: Sequence[ProductRow]
) -> None:
    """Store the attributes by which products are filtered, if any is declared."""
    definitions = group.rules.attributes
    if not definitions:
        return
    filtered = [
        one
        for row in rows
        for one in attributes.build_rows(
            row.id, [row.attributes, *_list_variant_attributes(group, by_product[row.id])], definitions
        )
    ]
    product_attributes.store_attributes(conn, [row.id for row in rows if row.id in group.products], filtered)


def _list_variant_attributes(group: ProductGroup, variant_ids: Iterable[str]) -> list[str | None]:
    rows = (row for variant_id in variant_ids for row in group.members[variant_id] if row.is_live)
    return [row.attributes for row in rows]


def _store_offers(
    conn: Connection,
    group: ProductGroup,
    by_product: Mapping[str, Sequence[str]],
    category_paths: Mapping[str, Sequence[str]],
) -> set[tuple[str, str]]:
    """Store the offers of products, and the channels that sell in their categories, which are returned as pairs."""
    offers = [offer for item in by_product.items() for offer in _build_offers(group, *item)]
    products.store_offers(conn, [id_ for id_ in by_product if id_ in group.products], offers)
    sold_in = {(id_, offer.channel) for offer in offers for id_ in category_paths[offer.product_id]}
    products.add_category_channels(conn, sorted(sold_in))
    return sold_in


def _choose_sources(group: ProductGroup, variant_ids: Sequence[str]) -> FieldSources:
    """Choose the channel products that write the fields of a product."""
    leads = (_find_lead(group, variant_id) for variant_id in variant_ids)
    lead = min(leads, key=lambda row: rank_listing(row, group.rules))
    listed = list(_list_channel_products(group, variant_ids))
    variants = len(_list_listed(group, variant_ids))
    return choose_sources(group.channel_products[lead.channel_product_id], listed, variants, group.rules)


def _build_product(
    group: ProductGroup,
    product_id: str,
    variant_ids: Sequence[str],
    sources: FieldSources,
    paths: Mapping[str, Sequence[str]],
) -> ProductRow:
    source, media = sources[ProductField.TEXTS], sources[ProductField.MEDIA]
    former = group.products.get(product_id)
    rating, rating_count = _combine_ratings(_list_channel_products(group, variant_ids))
    return ProductRow(
        id=product_id,
        handle=handles.propose_handle(product_id, source, former),
        handle_claim=source.handle,
        handle_channel=None if source.handle is None else source.channel,
        handle_external_id=None if source.handle is None else source.external_id,
        version=former.version if former else group.count,  # an ID that comes back has a later version
        title=source.title,
        description=source.description,
        brand=sources[ProductField.BRAND].brand,
        category_id=next(reversed(_get_path(sources, paths)), None),
        tags=sources[ProductField.TAGS].tags,
        status=sources.lead.status,
        images=media.images,
        options=_collect_options(group, variant_ids),
        option_texts=merge_option_texts((it.options, it.option_texts) for it in _list_option_leads(group, variant_ids)),
        visible=any(group.members[variant_id][0].is_live for variant_id in variant_ids),
        sort_title=fold(source.title)[:MAX_KEY_LENGTH],
        words=former.words if former else "",
        created_at=former.created_at if former else source.created_at or group.now,
        updated_at=former.updated_at if former else group.now,
        media=media.media,
        media_channel=media.channel,
        rating=rating,
        rating_count=rating_count,
        texts_digest=texts.combine_digests(_list_channel_products(group, variant_ids)),
        attributes=attributes.merge_attributes(row.attributes for row in sources.attributes),
        search_index=None,
        field_sources=sources.dump(),
        first_seen_at=former.age[0] if former else group.now,
    )


def _list_channel_products(group: ProductGroup, variant_ids: Iterable[str]) -> Iterable[ChannelProductRow]:
    """List the channel products whose live listings make up a product, the preferred one first."""
    rows = [row for variant_id in variant_ids for row in group.members[variant_id] if row.is_live]
    ranked = sorted(rows, key=lambda row: rank_listing(row, group.rules))
    return [group.channel_products[id_] for id_ in dict.fromkeys(row.channel_product_id for row in ranked)]


def _combine_ratings(rows: Iterable[ChannelProductRow]) -> tuple[int | None, int | None]:
    """Combine the ratings of all channels into one average, rounded half up, and the number of all ratings."""
    rated = [(row.rating, row.rating_count) for row in rows if row.rating is not None and row.rating_count]
    count = sum(number for _, number in rated)
    if not count:
        return None, None
    return (2 * sum(average * number for average, number in rated) + count) // (2 * count), count


def _list_listed(group: ProductGroup, variant_ids: Sequence[str]) -> Sequence[str]:
    """Return the variants of a product that a channel lists; all of them if none is listed."""
    return [variant_id for variant_id in variant_ids if group.members[variant_id][0].is_live] or variant_ids


def _collect_options(group: ProductGroup, variant_ids: Sequence[str]) -> str:
    options: dict[str, dict[str, None]] = {}
    for lead in _list_option_leads(group, variant_ids):
        for name, value in json.loads(lead.options):
            options.setdefault(name, {})[value] = None
    return dump_json([[name, list(values)] for name, values in options.items()])


def _list_option_leads(group: ProductGroup, variant_ids: Sequence[str]) -> list[ListingRow]:
    """List the listings whose options are those of the product, in its order."""
    leads = [_find_lead(group, variant_id) for variant_id in _list_listed(group, variant_ids)]
    return sorted(leads, key=lambda row: (row.position, row.external_id))


def _build_offers(group: ProductGroup, product_id: str, variant_ids: Sequence[str]) -> list[OfferRow]:
    """Build one offer per channel that lists the product, with the range of prices there."""
    by_channel: dict[str, list[ListingRow]] = defaultdict(list)
    for variant_id in variant_ids:
        for row in group.members[variant_id]:
            if row.is_live and row.status == ListingStatus.ACTIVE.value:
                by_channel[row.channel].append(row)
    return [
        OfferRow(product_id, channel, *_compute_price_range(rows), _compute_discount(rows))
        for channel, rows in by_channel.items()
    ]


def _compute_price_range(rows: Sequence[ListingRow]) -> tuple[int | None, int | None, str | None]:
    priced = [(row.price, row.currency) for row in rows if row.price is not None]
    if len({currency for _, currency in priced}) != 1:
        return None, None, None
    amounts = [price for price, _ in priced]
    return min(amounts), max(amounts), priced[0][1]


def _compute_discount(rows: Sequence[ListingRow]) -> int:
    """Compute the largest reduction among the listings that are sold, of several of one variant the oldest (rule K9),
    in hundredths of a percent; 0: none is reduced, or they have several currencies.
    """
    sold: dict[str, ListingRow] = {}
    for row in sorted((row for row in rows if row.price is not None), key=lambda row: row.age):
        sold.setdefault(row.variant_id, row)
    if len({row.currency for row in sold.values()}) > 1:
        return 0
    return max((_compute_reduction(row.price, row.compare_at_price) for row in sold.values()), default=0)


def _compute_reduction(price: int | None, before: int | None) -> int:
    if price is None or before is None or before <= price:
        return 0
    return -((price - before) * 10_000 // before)


def _build_search_indexes(
    conn: Connection,
    group: ProductGroup,
    by_product: Mapping[str, Sequence[str]],
    sources: Mapping[str, FieldSources],
    rows: Iterable[ProductRow],
) -> None:
    """Build the search indexes of products: the words of their texts in all languages, with their ranks (rule T4)."""
    written = [it[ProductField.TEXTS] for it in sources.values()]
    titles = product_texts.find_titles(conn, {source.id for source in written if source.texts_digest is not None})
    for row in rows:
        source = sources[row.id][ProductField.TEXTS]
        others = [(TITLE, title) for title in titles.get(source.id, ()) if title != source.title]
        texts = _list_texts(group, sources[row.id], by_product[row.id])
        row.search_index = search_index.format_index(rank_words([*texts, *others]))


def _list_texts(
    group: ProductGroup, sources: FieldSources, variant_ids: Sequence[str]
) -> Sequence[tuple[SearchField, str]]:
    """List the texts of a product that are searched."""
    source = sources[ProductField.TEXTS]
    leads = [_find_lead(group, variant_id) for variant_id in _list_listed(group, variant_ids)]
    options = dict.fromkeys(text for lead in leads for text in _list_variant_texts(lead, source))
    return [
        (TITLE, source.title),
        (BRAND, sources[ProductField.BRAND].brand or ""),
        (TAGS, " ".join(json.loads(sources[ProductField.TAGS].tags))),
        (CATEGORY, " ".join(json.loads(sources[ProductField.CATEGORY].category))),
        (DESCRIPTION, source.description),
        (OPTIONS, " ".join(options)),
    ]


def _list_variant_texts(lead: ListingRow, source: ChannelProductRow) -> Iterable[str]:
    """List the texts of a variant that its product does not have."""
    if lead.title != source.title:
        yield lead.title
    yield from (value for _, value in json.loads(lead.options))
    yield from list_value_labels(lead.option_texts)
