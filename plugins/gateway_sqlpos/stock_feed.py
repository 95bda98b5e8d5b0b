"""Feed of a till's stock: units by product and location, as counted by the till."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa

from gateway.sdk import (
    ChannelError,
    Context,
    Gone,
    LiveFeed,
    Mark,
    Page,
    Place,
    Raw,
    Ref,
    StockRecord,
    Token,
    parse_pieces,
)
from gateway_sqlpos.bundles import Bundle, count_bundles, find_pack, load_bundles
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.database import get_local_time
from gateway_sqlpos.product_groups import PARTS, format_item, load_units
from gateway_sqlpos.row_values import (
    IdColumn,
    IdCondition,
    Row,
    build_table,
    fetch_rows,
    format_id,
    format_units,
    get_number,
    is_number,
    is_true,
    label_columns,
)
from gateway_sqlpos.stock_diary import StockDiary
from gateway_sqlpos.till import Till, TillSession

PAGE_SIZE = 200
"""Products per page; each has one record per location."""

Level = tuple[str, str]
"""A product and a location."""


class StockFeed(LiveFeed[StockRecord]):
    """Stock of every product at every location. A missing row counts as 0, as at the till, unless configured otherwise.
    Services have no stock; that of a bundle is what its components make up.

    If the gateway writes to the till, the stock diary is read in the same snapshot, so that a count states which of
    the gateway's movements it contains.
    """

    of = StockRecord
    name = "stock"
    every = timedelta(minutes=1)

    def __init__(self, config: SqlPosConfig, till: Till, context: Context) -> None:
        self._config, self._till, self._context = config, till, context
        self._ids = IdColumn(config.layout.integer_ids)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        after = None if token is None else json.loads(token)
        (products, items), listed = await self._till.read(
            lambda till: (self._load_page(till, lambda id: self._ids.filter_after(id, after)), list_locations(till))
        )
        next_token = json.dumps(products[-1]) if len(products) == PAGE_SIZE else None
        return Page(items, next=next_token, locations=frozenset(location.id for location in listed))

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        ids = [parse_stock_id(ref.id)[0] for ref in refs]
        _, items = await self._till.read(lambda till: self._load_page(till, lambda id: self._ids.filter_among(id, ids)))
        raws = {raw.id: raw for raw in items}
        return {ref.id: raws.get(ref.id) or Gone(ref) for ref in refs}

    def _load_page(self, till: TillSession, build_condition: IdCondition) -> tuple[list[str], list[Raw]]:
        """Load a page of product IDs, and their counts by location."""
        names, fields = till.layout.products, ("id", "service")
        table = build_table(names, fields)
        id = table.c[names.id]
        statement = sa.select(*label_columns(table, names, fields)).where(build_condition(id)).order_by(id)
        rows = fetch_rows(till.conn, statement.limit(PAGE_SIZE))
        products = [format_id(row["id"]) for row in rows]
        counted = [id for id, row in zip(products, rows, strict=True) if not is_true(row["service"])]
        return products, self._build_items(till, counted) if counted else []

    def _build_items(self, till: TillSession, products: Sequence[str]) -> list[Raw]:
        bundles = load_bundles(till)
        counts = self._count_products(till, [id for id in products if id not in bundles])
        counts |= self._count_bundles(till, {id: bundles[id] for id in products if id in bundles})
        keys, units = self._load_keys(till, products, bundles), load_units(till, products)
        return [_build_raw(*level, count, keys.get(level, ()), units.get(level[0])) for level, count in counts.items()]

    def _load_keys(
        self, till: TillSession, products: Sequence[str], bundles: Mapping[str, Bundle]
    ) -> Mapping[Level, Sequence[str]]:
        if self._config.diary is None:
            return {}
        now = get_local_time(self._context, self._config.time_zone)
        return StockDiary(till).list_keys(products, bundles, now)

    def _count_products(self, till: TillSession, products: Sequence[str]) -> dict[Level, Any]:
        """Count products; those without a row as configured."""
        counts = self._sum_counts(till, products) if products else {}
        if self._config.missing_stock == "unknown":
            return counts
        locations = [location.id for location in list_locations(till)]
        return {level: counts.get(level, 0) for level in ((id, location) for id in products for location in locations)}

    def _count_bundles(self, till: TillSession, bundles: Mapping[str, Bundle]) -> dict[Level, Any]:
        """Count bundles of several components. One of a single component sells the stock of that component."""
        mixed = {id: parts for id, parts in bundles.items() if find_pack(parts) is None}
        if not mixed:
            return {}
        counts = self._count_products(till, sorted({id for parts in mixed.values() for id in parts}))
        by_location: dict[str, dict[str, Decimal]] = {}
        for (product, location), units in counts.items():
            if is_number(units):
                by_location.setdefault(location, {})[product] = get_number({"units": units}, "units")
        made = {
            (id, location): count_bundles(parts, found)
            for id, parts in mixed.items()
            for location, found in by_location.items()
        }
        return {level: count for level, count in made.items() if count is not None}

    def _sum_counts(self, till: TillSession, products: Sequence[str]) -> dict[Level, Any]:
        names, fields = till.layout.stock, ("product", "location", "units")
        table = build_table(names, fields)
        among = self._ids.filter_among(table.c[names.product], products)
        counts: dict[Level, list[Any]] = {}
        for row in fetch_rows(till.conn, sa.select(*label_columns(table, names, fields)).where(among)):
            counts.setdefault((format_id(row["product"]), format_id(row["location"])), []).append(row["units"])
        return {level: sum_units(units) for level, units in counts.items()}

    def read(self, raw: Raw) -> StockRecord:
        row: Row = raw.data
        on_hand = parse_pieces("onHand", format_units(row, "units", PARTS if row.get("unit") else 1))
        contained = row.get("contains", ())
        item = format_item(row["product"], row.get("unit"))
        return StockRecord(ref=Ref(raw.id), item=item, place=row["place"], on_hand=on_hand, contains=contained)


def sum_units(units: Sequence[Any]) -> Any:
    """Return the sum, or a value that is not a number, so that it is rejected: a database would treat it as 0."""
    invalid = [value for value in units if not isinstance(value, int | float | Decimal)]
    return invalid[0] if invalid else sum(sorted(units))


def _build_raw(product: str, location: str, count: Any, keys: Sequence[str], unit: str | None) -> Raw:
    """`keys` are omitted if empty, so that the record of a count without movements does not change."""
    named = {**({"contains": list(keys)} if keys else {}), **({"unit": unit} if unit else {})}
    id_ = f"{quote(location, safe='', errors='surrogateescape')}/{product}"
    return Raw(id_, {"product": product, "place": location, "units": count, **named})


def parse_stock_id(id: str) -> tuple[str, str]:
    """Parse the product and location of a record ID."""
    location, _, product = id.partition("/")
    return product, unquote(location, errors="surrogateescape")


def list_locations(till: TillSession) -> list[Place]:
    """List the till's locations."""
    return till.load_once(_read_locations)


def _read_locations(till: TillSession) -> list[Place]:
    names = till.layout.locations
    rows = fetch_rows(till.conn, sa.select(*label_columns(build_table(names, ("id", "name")), names, ("id", "name"))))
    named = {format_id(row["id"]): str(row["name"] or row["id"]) for row in rows if row["id"] is not None}
    return [Place(id, named[id]) for id in sorted(named)]
