"""Stock of a till: units per product and place, counted by the till itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import ChannelError, Context, Gone, LiveFeed, Mark, Page, Place, Raw, Ref, StockRecord, Token, pieces
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.ledger import Ledger
from gateway_sqlpos.rows import Ids, Row, key, labelled, rows, table, units
from gateway_sqlpos.till import Till, wall_clock

PAGE = 200
"""Products a page; a record for each of them and each place."""


class StockFeed(LiveFeed[StockRecord]):
    """Every product in every place. What no row counts the till takes for 0; so do we, unless told otherwise.

    Where we write to the till, its ledger is read in the same snapshot: so a count says which of our movements it
    contains.
    """

    of = StockRecord
    name = "stock"
    every = timedelta(minutes=1)

    def __init__(self, config: SqlPosConfig, till: Till, context: Context) -> None:
        self._config = config
        self._till = till
        self._context = context
        self._ledger = None if config.diary is None else Ledger(config, config.diary)
        products, stock = config.layout.products, config.layout.stock
        self._product = table(products, ("id",)).c[products.id]
        self._stock = table(stock, ("product", "location", "units"))
        self._ids = Ids(config.layout.integer_ids)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        after = None if token is None else json.loads(token)
        products, items = await self._till.read(lambda conn: self._counted(conn, self._ids.after(self._product, after)))
        return Page(items, next=json.dumps(products[-1]) if len(products) == PAGE else None)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        wanted = self._ids.among(self._product, [parted(ref.id)[0] for ref in refs])
        _, items = await self._till.read(lambda conn: self._counted(conn, wanted))
        found = {raw.id: raw for raw in items}
        return {ref.id: found.get(ref.id) or Gone(ref) for ref in refs}

    def _counted(self, conn: Connection, where: sa.ColumnElement[bool]) -> tuple[list[str], list[Raw]]:
        """The products, by id, and what is counted of each in each place."""
        chosen = sa.select(self._product.label("id")).where(where).order_by(self._product).limit(PAGE)
        products = [key(row["id"]) for row in rows(conn, chosen)]
        counts = self._sums(conn, products) if products else {}
        if self._config.missing_stock == "zero":
            shops = [place.id for place in places(conn, self._config)]
            counts = {key: counts.get(key, 0) for key in ((product, shop) for product in products for shop in shops)}
        keys = self._keys(conn, products) if products else {}
        return products, [_raw(*spot, count, keys.get(spot, ())) for spot, count in counts.items()]

    def _keys(self, conn: Connection, products: Sequence[str]) -> Mapping[tuple[str, str], Sequence[str]]:
        now = wall_clock(self._context, self._config.time_zone)
        return {} if self._ledger is None else self._ledger.keys(conn, products[0], products[-1], now)

    def _sums(self, conn: Connection, products: Sequence[str]) -> dict[tuple[str, str], Any]:
        names, columns = self._config.layout.stock, self._stock.c
        product, shop = columns[names.product], columns[names.location]
        statement = sa.select(product.label("product"), shop.label("place"), columns[names.units].label("units"))
        counts: dict[tuple[str, str], list[Any]] = {}
        for row in rows(conn, statement.where(self._ids.among(product, products))):
            counts.setdefault((key(row["product"]), key(row["place"])), []).append(row["units"])
        return {one: total(units) for one, units in counts.items()}

    def read(self, raw: Raw) -> StockRecord:
        row: Row = raw.data
        on_hand = pieces("onHand", units(row, "units"))
        known = row.get("contains", ())
        return StockRecord(ref=Ref(raw.id), item=row["product"], place=row["place"], on_hand=on_hand, contains=known)


def total(units: Sequence[Any]) -> Any:
    """The sum. Or what is no number among them, to be rejected: a database would take it for 0."""
    odd = [one for one in units if not isinstance(one, int | float | Decimal)]
    return odd[0] if odd else sum(sorted(units))


def _raw(product: str, place: str, count: Any, keys: Sequence[str]) -> Raw:
    """`keys` stand there only where there are any: a count that nobody moved is told as it always was."""
    named = {"contains": list(keys)} if keys else {}
    id_ = f"{quote(place, safe='', errors='surrogateescape')}/{product}"
    return Raw(id_, {"product": product, "place": place, "units": count, **named})


def parted(id: str) -> tuple[str, str]:
    """The product and the place of a stock record's id."""
    place, _, product = id.partition("/")
    return product, unquote(place, errors="surrogateescape")


def places(conn: Connection, config: SqlPosConfig) -> list[Place]:
    """The till's locations."""
    names = config.layout.locations
    found = rows(conn, sa.select(*labelled(table(names, ("id", "name")), names, ("id", "name"))))
    named = {key(row["id"]): str(row["name"] or row["id"]) for row in found if row["id"] is not None}
    return [Place(one, named[one]) for one in sorted(named)]
