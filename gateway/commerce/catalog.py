"""The catalogue: taking in products, and regrouping whatever that touches (rules I1 to I3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce.listings import ANOTHER, Written, write
from gateway.commerce.matching import CROWD, Candidate, Key, Matching, Place, Review, match, matchable_gtin
from gateway.commerce.products import Rebuilt, rebuild
from gateway.commerce.taking import Rules, Take
from gateway.model.ids import new_id
from gateway.sdk.records import ProductRecord
from gateway.storage import listings, log
from gateway.storage.database import Connection
from gateway.storage.listings import Decisions, ListingRow
from gateway.storage.rows import dump


def take_products(conn: Connection, take: Take[ProductRecord]) -> None:
    """Apply product records of one channel."""
    listings.lock_catalogue(conn)
    written = write(conn, take)
    _record(conn, regroup(conn, written, take), written, take)


def relink(
    conn: Connection,
    place: Place,
    target: Place | None,
    *,
    count: int,
    now: datetime,
    rules: Rules,
    units: int | None = None,
) -> None:
    """A person says where a listing belongs: with the one at `target`, or, None, alone.

    Args:
        count: the observation counter's next value.
        units: how many units of stock one listing sells; None: as many as before.
    """
    listings.lock_catalogue(conn)
    listings.decide(conn, place, target, now, units)
    rows = [row for channel, id_ in filter(None, (place, target)) for row in listings.of_places(conn, channel, [id_])]
    written = Written()
    written.changed, written.former = {row.id: replace(row) for row in rows}, rows
    take: Take[ProductRecord] = Take(place[0], (), (), (), count, now, rules)
    _record(conn, regroup(conn, written, take), written, take)


def _record(conn: Connection, rebuilt: Rebuilt, written: Written, take: Take[ProductRecord]) -> None:
    log.record(conn, "PRODUCT", rebuilt.products, take.now)
    log.record(conn, "PRODUCT_VARIANT", rebuilt.variants, take.now)
    log.record(conn, "LISTING", [(row.id, take.count) for row in written.rows()], take.now)


class Neighborhood:
    """Listings found from others by what they have in common: each key is asked for once.

    Args:
        written: where it begins. Nobody else can have what is new about them.
    """

    def __init__(self, written: Written, sources: Iterable[str]) -> None:
        self.rows = {row.id: row for row in written.rows()}
        self._asked = {"variant_id": {row.id for row in written.new}, "channel_product_id": set(sources)}
        self._stored: dict[str, tuple[object, ...]] = {}
        self._written = written.rows()
        self.crowded: set[Key] = set()

    def spread(self, conn: Connection, columns: Sequence[str], rows: Iterable[ListingRow]) -> list[ListingRow]:
        """The listings that share a value of these columns with the given ones, and are new here."""
        found: list[ListingRow] = []
        for column in columns:
            asked = self._asked.setdefault(column, set())
            keys = {key for row in rows if (key := getattr(row, column))} - asked
            asked |= keys
            found += self.add(listings.select(conn, column, keys))
        return found

    def spread_by_code(self, conn: Connection, column: str, rows: Sequence[ListingRow]) -> list[ListingRow]:
        """As `spread`; but not by codes that so many carry, before and after, that they tell nothing."""
        codes = {key for row in rows if (key := getattr(row, column))} - self._asked.setdefault(column, set())
        for code in listings.carried_by_many(conn, column, codes, CROWD):
            if self._stays_crowded(conn, column, code):
                self.crowded.add((column, code))
                self._asked[column].add(code)
        return self.spread(conn, (column,), rows)

    def _stays_crowded(self, conn: Connection, column: str, code: str) -> bool:
        before = listings.live_with(conn, column, code, CROWD + 1 + len(self._written))
        others = before - {row.id for row in self._written}
        ours = sum(row.live and getattr(row, column) == code for row in self._written)
        return len(before) > CROWD and len(others) + ours > CROWD

    def add(self, rows: Iterable[ListingRow]) -> list[ListingRow]:
        """Those that are new here."""
        new = {row.id: row for row in rows if row.id not in self.rows}
        self.rows |= new
        self._stored |= {id_: _belonging(row) for id_, row in new.items()}
        return list(new.values())

    def moved(self) -> list[ListingRow]:
        """Those that were found, and belong elsewhere now."""
        return [self.rows[id_] for id_, belonging in self._stored.items() if _belonging(self.rows[id_]) != belonging]


def _belonging(row: ListingRow) -> tuple[object, ...]:
    return row.variant_id, row.product_id, row.matched_by


def regroup(conn: Connection, written: Written, take: Take[ProductRecord]) -> Rebuilt:
    """Find anew which listings are one variant, for every component that the written ones touch, and rebuild those."""
    sources = {*(seen.source_id for seen in take.seen), *take.gone}
    near = Neighborhood(written, sources)
    decided = _component(conn, near, written.former, take.rules)
    candidates = [_candidate(row) for row in near.rows.values()]
    links = {place: said.target for place, said in decided.items()}
    outcome = match(candidates, links, take.rules.services, near.crowded)
    _set_units(near, decided)
    dropped = _assign(near, outcome)
    _review(conn, near.rows, [*(Review(row.id, ANOTHER, ()) for row in written.replaced), *outcome.reviews], take)
    frontier = list(near.rows.values())
    while frontier:
        frontier = near.spread(conn, ("variant_id", "product_id", "channel_product_id"), frontier)
    rebuilt = rebuild(conn, list(near.rows.values()), written.products, dropped, take.rules, take.now)
    moved = near.moved()
    _date(written, moved, take.now)
    listings.store(conn, [*written.changed.values(), *moved])
    listings.add(conn, written.new)
    return rebuilt


def _date(written: Written, moved: Iterable[ListingRow], now: datetime) -> None:
    """A listing was changed when anything about it is otherwise than it was: a channel tells many that are not."""
    before = {row.id: row for row in written.former}
    for row in (*moved, *(row for row in written.changed.values() if row != before[row.id])):
        row.updated_at = now


def _component(conn: Connection, near: Neighborhood, former: Sequence[ListingRow], rules: Rules) -> Decisions:
    """Everything that could belong together with what is near, or could with what that was; and people's decisions."""
    decided: Decisions = {}
    frontier = [*near.rows.values(), *former]
    while frontier:
        telling = [row for row in frontier if row.sku_key not in rules.services]
        coded = [row for row in frontier if matchable_gtin(row.gtin)]
        found = near.spread(conn, ("variant_id",), frontier)
        found += near.spread_by_code(conn, "match_key", frontier)
        found += near.spread_by_code(conn, "sku_key", telling)
        found += near.spread_by_code(conn, "gtin", coded)
        decisions = listings.decisions(conn, {(row.channel, row.external_id) for row in frontier})
        found += near.add(_linked(conn, decisions))
        decided |= decisions
        frontier = found
    return decided


def _set_units(near: Neighborhood, decided: Decisions) -> None:
    """What a person said of a listing's size stands, whatever the channel says of it later."""
    for row in near.rows.values():
        said = decided.get((row.channel, row.external_id))
        if said is not None and said.units is not None:
            row.units_per_listing = said.units


def _linked(conn: Connection, decisions: Decisions) -> list[ListingRow]:
    places = {*decisions, *(said.target for said in decisions.values() if said.target is not None)}
    channels = {channel for channel, _ in places}
    return [
        row
        for channel in sorted(channels)
        for row in listings.of_places(conn, channel, [id_ for other, id_ in places if other == channel])
    ]


def _candidate(row: ListingRow) -> Candidate:
    return Candidate(
        id=row.id,
        place=(row.channel, row.external_id),
        live=row.live,
        family=row.channel_product_id,
        sku=row.sku,
        sku_key=row.sku_key,
        gtin=row.gtin,
        key=row.match_key,
        condition=row.condition,
        title=row.title,
    )


def _assign(near: Neighborhood, outcome: Matching) -> set[str]:
    """Give each listing its variant: the id of the oldest member. The ids that no variant has any more."""
    before = {row.variant_id for row in near.rows.values()}
    for group in outcome.groups:
        for id_ in group:
            row = near.rows[id_]
            evidence = outcome.evidence.get(id_)
            row.variant_id, row.matched_by = group[0], evidence and evidence.value
    return before - {row.variant_id for row in near.rows.values()}


def _review(conn: Connection, near: Collection[str], reviews: Sequence[Review], take: Take[ProductRecord]) -> None:
    first: dict[str, Review] = {}
    for review in reviews:
        first.setdefault(review.listing_id, review)
    rows = [
        {
            "id": new_id(take.now),
            "listing_id": review.listing_id,
            "reason": review.reason,
            "candidates": dump(list(review.candidates)),
            "created_at": take.now,
        }
        for review in first.values()
    ]
    listings.replace_reviews(conn, near, rows, lasting=ANOTHER)
