"""Products of a till: one variant each, no versions, every pass a full one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import (
    ChannelError,
    Gone,
    InvalidValueError,
    LiveFeed,
    Mark,
    Page,
    ProductRecord,
    Raw,
    Ref,
    Token,
    VariantRecord,
)
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.rows import Ids, Row, labelled, money, number, rows, table, text
from gateway_sqlpos.till import Till

PAGE = 500
_COLUMNS = ("id", "sku", "barcode", "title", "price", "category")


class ProductFeed(LiveFeed[ProductRecord]):
    """The table of products. What is deleted there is simply not there any more."""

    of = ProductRecord
    name = "products"
    every = timedelta(minutes=5)

    def __init__(self, config: SqlPosConfig, till: Till) -> None:
        self._config = config
        self._till = till
        self._names = config.layout.products
        self._table = table(self._names, _COLUMNS)
        self._id = self._table.c[self._names.id]
        self._ids = Ids(config.layout.integer_ids)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        items = await self._till.read(lambda conn: self._found(conn, self._ids.after(self._id, token)))
        return Page(items, next=items[-1].id if len(items) == PAGE else None)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        wanted = self._ids.among(self._id, [ref.id for ref in refs])
        items = await self._till.read(lambda conn: self._found(conn, wanted))
        return {**{ref.id: Gone(ref) for ref in refs}, **{raw.id: raw for raw in items}}

    def _found(self, conn: Connection, where: sa.ColumnElement[bool]) -> list[Raw]:
        columns = labelled(self._table, self._names, _COLUMNS)
        found = rows(conn, sa.select(*columns).where(where).order_by(self._id).limit(PAGE))
        paths = category_paths(conn, self._config) if found else {}
        for row in found:
            row["category"] = paths.get(str(row["category"]), [])
        return [Raw(str(row["id"]), row) for row in found]

    def read(self, raw: Raw) -> ProductRecord:
        row: Row = raw.data
        title = text(row, "title") or ""
        variant = VariantRecord(
            ref=Ref(raw.id),
            title=title,
            sku=text(row, "sku"),
            price=money(number(row, "price"), self._config.currency),
            price_includes_tax=self._config.prices_include_tax,
        )
        variants = (with_gtin(variant, text(row, "barcode")),)
        return ProductRecord(ref=Ref(raw.id), title=title, variants=variants, category=row["category"])


def with_gtin(variant: VariantRecord, barcode: str | None) -> VariantRecord:
    """The variant with its barcode as GTIN, if it is one: tills also scan codes of their own making."""
    try:
        return replace(variant, gtin=barcode)
    except InvalidValueError:
        return variant


def category_paths(conn: Connection, config: SqlPosConfig) -> dict[str, list[Any]]:
    """The titles from the root down to each category, by its id."""
    names = config.layout.categories
    if names.table is None:
        return {}
    columns = ("id", "title", "parent")
    found = rows(conn, sa.select(*labelled(table(names, columns), names, columns)))
    by_id = {str(row["id"]): row for row in found}
    return {key: _path(by_id, key) for key in by_id}


def _path(by_id: Mapping[str, Row], key: str) -> list[Any]:
    path: dict[str, Any] = {}
    while key in by_id and key not in path:  # a till does not keep anybody from making a category its own ancestor
        path[key] = by_id[key]["title"]
        key = str(by_id[key]["parent"])
    return list(reversed(path.values()))
