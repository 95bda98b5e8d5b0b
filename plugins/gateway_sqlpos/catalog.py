"""Products of a till: one variant each, no versions, every pass a full one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import ProductRecord, Raw, Ref, VariantRecord, gtin_or_none
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.rows import Row, labelled, money, number, only, rows, table, text
from gateway_sqlpos.tables import TableFeed


class ProductFeed(TableFeed[ProductRecord]):
    """The table of products."""

    of = ProductRecord
    name = "products"
    every = timedelta(minutes=5)
    columns = ("id", "sku", "barcode", "title", "price", "category")

    def complete(self, conn: Connection, found: list[Row]) -> None:
        paths = category_paths(conn, self.config) if found else {}
        for row in found:
            row["category"] = paths.get(str(row["category"]), [])

    def read(self, raw: Raw) -> ProductRecord:
        row = only(raw)
        title = text(row, "title") or ""
        variant = VariantRecord(
            ref=Ref(raw.id),
            title=title,
            sku=text(row, "sku"),
            gtin=gtin_or_none(text(row, "barcode")),
            price=money(number(row, "price"), self.config.currency),
            price_includes_tax=self.config.prices_include_tax,
        )
        return ProductRecord(ref=Ref(raw.id), title=title, variants=(variant,), category=row["category"])


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
