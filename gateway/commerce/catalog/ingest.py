"""Catalog ingest: applies product records, and regroups the listings that they affect (rules I1 to I3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce.catalog.candidate_graph import CandidateGraph, collect_component
from gateway.commerce.catalog.listings import REPLACED_REASON, ListingChanges, write_listings
from gateway.commerce.catalog.match_candidates import Candidate, ListingSource, Matching, MatchReview
from gateway.commerce.catalog.matching import match_listings
from gateway.commerce.catalog.products import RebuiltCatalog, rebuild_products
from gateway.commerce.ingest_batch import IngestBatch
from gateway.model.ids import generate_id
from gateway.sdk.records import ProductRecord
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes import collections, listings
from gateway.storage.writes.listings import ListingRow, MatchDecisions


def ingest_products(conn: Connection, batch: IngestBatch[ProductRecord]) -> None:
    """Apply the product records of one channel."""
    listings.lock_catalog(conn)
    listings.store_first_times(conn)
    written = write_listings(conn, batch)
    _log_changes(conn, regroup(conn, written, batch), written, batch)


def relink(
    conn: Connection,
    source: ListingSource,
    target: ListingSource | None,
    batch: IngestBatch[ProductRecord],
    *,
    units: int | None = None,
) -> None:
    """Link a listing to the one at `target` manually; None: unlink it, so that it stands alone.

    Args:
        batch: an empty batch of the channel, with the observation counter, the time and the rules.
        units: stock units in one unit of the listing; None: unchanged.
    """
    listings.lock_catalog(conn)
    listings.store_first_times(conn)
    listings.store_decision(conn, source, target, batch.now, units)
    rows = [
        row
        for channel, id_ in filter(None, (source, target))
        for row in listings.find_current_listings(conn, channel, [id_])
    ]
    written = ListingChanges()
    written.changed, written.former = {row.id: replace(row) for row in rows}, rows
    _log_changes(conn, regroup(conn, written, batch), written, batch)


def _log_changes(
    conn: Connection, rebuilt: RebuiltCatalog, written: ListingChanges, batch: IngestBatch[ProductRecord]
) -> None:
    change_log.log_change(conn, "PRODUCT", rebuilt.products, batch.now)
    change_log.log_change(conn, "PRODUCT_VARIANT", rebuilt.variants, batch.now)
    changed = [*written.list_rows(), *rebuilt.reassigned]
    change_log.log_change(conn, "LISTING", [(row.id, batch.count) for row in changed], batch.now)


def regroup(conn: Connection, written: ListingChanges, batch: IngestBatch[ProductRecord]) -> RebuiltCatalog:
    """Match the listings of all components that the written ones belong to, and rebuild their products and variants."""
    sources = {*(ingested.source_id for ingested in batch.records), *batch.removed}
    graph = CandidateGraph(written, sources)
    decisions = collect_component(conn, graph, written.former, batch.rules)
    candidates = [_build_candidate(row) for row in graph.rows.values()]
    links = {source: decision.target for source, decision in decisions.items()}
    matching = match_listings(candidates, links, batch.rules.service_codes, graph.shared)
    _set_units(graph, decisions)
    dropped = _assign_variants(graph, matching)
    _store_reviews(
        conn,
        graph.rows,
        [*(MatchReview(row.id, REPLACED_REASON, ()) for row in written.replaced), *matching.reviews],
        batch,
    )
    frontier = list(graph.rows.values())
    while frontier:
        frontier = graph.expand(conn, ("variant_id", "product_id", "channel_product_id"), frontier)
    rebuilt = rebuild_products(conn, list(graph.rows.values()), written.products, dropped, batch)
    rebuilt.reassigned = graph.list_reassigned()
    _set_update_times(written, rebuilt.reassigned, batch.now)
    listings.update_listings(conn, [*written.changed.values(), *rebuilt.reassigned])
    listings.insert_listings(conn, written.new)
    present = {row.product_id for row in graph.rows.values()}
    collections.refresh_collections_of_products(conn, present.union(id_ for id_, _ in rebuilt.products))
    return rebuilt


def _set_update_times(written: ListingChanges, reassigned: Iterable[ListingRow], now: datetime) -> None:
    """Set the update time of listings that have changed; channels also report unchanged ones."""
    before = {row.id: row for row in written.former}
    for row in (*reassigned, *(row for row in written.changed.values() if row != before[row.id])):
        row.updated_at = now


def _set_units(graph: CandidateGraph, decisions: MatchDecisions) -> None:
    """Apply the manual units per listing, which override what the channel reports."""
    for row in graph.rows.values():
        decision = decisions.get((row.channel, row.external_id))
        if decision is not None and decision.units is not None:
            row.units_per_listing = decision.units


def _build_candidate(row: ListingRow) -> Candidate:
    return Candidate(
        id=row.id,
        source=(row.channel, row.external_id),
        live=row.is_live,
        family=row.channel_product_id,
        sku=row.sku,
        sku_key=row.sku_key,
        gtin=row.gtin,
        key=row.match_key,
        condition=_describe_goods(row),
        title=row.title,
        first_seen_at=row.first_seen_at,
    )


def _describe_goods(row: ListingRow) -> str:
    """Describe what must be equal beside the codes: a cheese by the gram is not the same item as a packed one."""
    return row.condition if row.unit_of_measure == "each" else f"{row.condition}, {row.unit_of_measure}"


def _assign_variants(graph: CandidateGraph, matching: Matching) -> set[str]:
    """Assign each listing its variant: the ID of the oldest member. Returns the variant IDs that became unused."""
    before = {row.variant_id for row in graph.rows.values()}
    for group in matching.groups:
        for id_ in group:
            row = graph.rows[id_]
            evidence = matching.evidence.get(id_)
            row.variant_id, row.matched_by = group[0], evidence and evidence.value
    return before - {row.variant_id for row in graph.rows.values()}


def _store_reviews(
    conn: Connection, listing_ids: Collection[str], reviews: Sequence[MatchReview], batch: IngestBatch[ProductRecord]
) -> None:
    first: dict[str, MatchReview] = {}
    for review in reviews:
        first.setdefault(review.listing_id, review)
    rows = [
        {
            "id": generate_id(batch.now),
            "listing_id": review.listing_id,
            "reason": review.reason,
            "candidates": dump_json(list(review.candidates)),
            "created_at": batch.now,
        }
        for review in first.values()
    ]
    listings.replace_reviews(conn, listing_ids, rows, lasting=REPLACED_REASON)
