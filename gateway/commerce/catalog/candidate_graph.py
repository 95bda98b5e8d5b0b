"""Candidate graph: the listings that could be one variant with changed ones, found by their codes (rule I1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.commerce.catalog.listings import ListingChanges
from gateway.commerce.catalog.match_candidates import MatchCode, is_matchable_gtin
from gateway.commerce.catalog.matching import MAX_SHARED_CODE
from gateway.commerce.ingest_batch import IngestRules
from gateway.storage.database import Connection
from gateway.storage.writes import listings
from gateway.storage.writes.listings import ListingRow, MatchDecisions


class CandidateGraph:
    """Listings found from changed ones by shared codes. Each code is queried once.

    Args:
        written: the changed listings, from which the search begins. No stored listing can share a new ID of theirs.
        sources: IDs of the channel products of the batch, which need no query.
    """

    def __init__(self, written: ListingChanges, sources: Iterable[str]) -> None:
        self.rows = {row.id: row for row in written.list_rows()}
        self._queried = {"variant_id": {row.id for row in written.new}, "channel_product_id": set(sources)}
        self._stored: dict[str, tuple[object, ...]] = {}
        self._written = written.list_rows()
        self.shared: set[MatchCode] = set()

    def expand(self, conn: Connection, columns: Sequence[str], rows: Iterable[ListingRow]) -> list[ListingRow]:
        """Find listings that share a value of these columns with the given ones, and are not in the graph yet."""
        new_rows: list[ListingRow] = []
        for column in columns:
            queried = self._queried.setdefault(column, set())
            keys = {key for row in rows if (key := getattr(row, column))} - queried
            queried |= keys
            new_rows += self.add(listings.find_listings(conn, column, keys))
        return new_rows

    def expand_by_code(self, conn: Connection, column: str, rows: Sequence[ListingRow]) -> list[ListingRow]:
        """Find listings by a code, as `expand` does. Codes that too many listings carry, before and after the change,
        are skipped.
        """
        codes = {key for row in rows if (key := getattr(row, column))} - self._queried.setdefault(column, set())
        for code in listings.find_shared_codes(conn, column, codes, MAX_SHARED_CODE):
            if self._is_still_shared(conn, column, code):
                self.shared.add((column, code))
                self._queried[column].add(code)
        return self.expand(conn, (column,), rows)

    def _is_still_shared(self, conn: Connection, column: str, code: str) -> bool:
        before = listings.find_live_listing_ids(conn, column, code, MAX_SHARED_CODE + 1 + len(self._written))
        others = before - {row.id for row in self._written}
        ours = sum(row.is_live and getattr(row, column) == code for row in self._written)
        return len(before) > MAX_SHARED_CODE and len(others) + ours > MAX_SHARED_CODE

    def add(self, rows: Iterable[ListingRow]) -> list[ListingRow]:
        """Add listings. Returns those that were not in the graph yet."""
        new = {row.id: row for row in rows if row.id not in self.rows}
        self.rows |= new
        self._stored |= {id_: _get_assignment(row) for id_, row in new.items()}
        return list(new.values())

    def list_reassigned(self) -> list[ListingRow]:
        """Return the listings that were found and whose variant or product has changed."""
        return [
            self.rows[id_] for id_, belonging in self._stored.items() if _get_assignment(self.rows[id_]) != belonging
        ]


def _get_assignment(row: ListingRow) -> tuple[object, ...]:
    return row.variant_id, row.product_id, row.matched_by


def collect_component(
    conn: Connection, graph: CandidateGraph, former: Sequence[ListingRow], rules: IngestRules
) -> MatchDecisions:
    """Find all listings that could belong together with the changed ones, now or before, and the manual decisions about
    them.
    """
    decisions: MatchDecisions = {}
    frontier = [*graph.rows.values(), *former]
    while frontier:
        with_sku = [row for row in frontier if row.sku_key not in rules.service_codes]
        with_gtin = [row for row in frontier if is_matchable_gtin(row.gtin)]
        new_rows = graph.expand(conn, ("variant_id",), frontier)
        new_rows += graph.expand_by_code(conn, "match_key", frontier)
        new_rows += graph.expand_by_code(conn, "sku_key", with_sku)
        new_rows += graph.expand_by_code(conn, "gtin", with_gtin)
        found_decisions = listings.find_decisions(conn, {(row.channel, row.external_id) for row in frontier})
        new_rows += graph.add(_load_linked(conn, found_decisions))
        decisions |= found_decisions
        frontier = new_rows
    return decisions


def _load_linked(conn: Connection, decisions: MatchDecisions) -> list[ListingRow]:
    sources = {*decisions, *(decision.target for decision in decisions.values() if decision.target is not None)}
    channels = {channel for channel, _ in sources}
    return [
        row
        for channel in sorted(channels)
        for row in listings.find_current_listings(conn, channel, [id_ for other, id_ in sources if other == channel])
    ]
