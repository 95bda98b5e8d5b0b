"""The tables of Openbravo POS that a sandbox has: those that a sale touches, with the columns that the real ones have.

As in its heirs there are no foreign keys, so a product that was sold can be deleted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()
Id = sa.String(255)
Double: sa.Double[float] = sa.Double()


class _Seconds(sa.TypeDecorator[datetime]):
    """SQLite keeps dates as text; tills write no fractions."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else value.isoformat(" ", "seconds")


Moment = sa.DateTime().with_variant(_Seconds(), "sqlite")


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, *columns)


def _required(name: str, kind: Any = Id, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, Id) for name in names]


applications = _table("applications", sa.Column("id", Id, primary_key=True), _required("name"), _required("version"))
people = _table("people", sa.Column("id", Id, primary_key=True), _required("name"), _required("visible", sa.Boolean))
customers = _table(
    "customers",
    sa.Column("id", Id, primary_key=True),
    _required("searchkey", unique=True),
    *_texts("taxid", "taxcategory", "card", "firstname", "lastname", "email", "phone", "phone2", "fax", "notes"),
    *_texts("address", "address2", "postal", "city", "region", "country"),
    _required("name"),
    _required("maxdebt", Double, default=0.0),
    _required("visible", sa.Boolean, default=True),
)
categories = _table("categories", sa.Column("id", Id, primary_key=True), _required("name"), *_texts("parentid"))
taxcategories = _table("taxcategories", sa.Column("id", Id, primary_key=True), _required("name"))
taxes = _table(
    "taxes",
    sa.Column("id", Id, primary_key=True),
    _required("name"),
    _required("category"),
    *_texts("custcategory", "parentid"),
    _required("rate", Double),
    _required("ratecascade", sa.Boolean, default=False),
)
products = _table(
    "products",
    sa.Column("id", Id, primary_key=True),
    _required("reference", unique=True),
    _required("code", unique=True),
    *_texts("codetype", "attributeset_id"),
    _required("name"),
    _required("pricebuy", Double, default=0.0),
    _required("pricesell", Double),
    _required("category"),
    _required("taxcat"),
    _required("iscom", sa.Boolean, default=False),
    _required("isscale", sa.Boolean, default=False),
)
locations = _table("locations", sa.Column("id", Id, primary_key=True), _required("name"), *_texts("address"))
stockdiary = _table(
    "stockdiary",
    sa.Column("id", Id, primary_key=True),
    _required("datenew", Moment, index=True),
    _required("reason", sa.Integer),
    _required("location"),
    _required("product", index=True),
    *_texts("attributesetinstance_id"),
    _required("units", Double),
    _required("price", Double),
)
stockcurrent = _table(  # its unique index has a nullable column, so it holds nobody from a second row
    "stockcurrent",
    _required("location"),
    _required("product"),
    *_texts("attributesetinstance_id"),
    _required("units", Double),
    sa.Index("stockcurrent_inx", "location", "product", "attributesetinstance_id", unique=True),
    sa.Index("stockcurrent_product", "product"),
)
closedcash = _table(
    "closedcash",
    sa.Column("money", Id, primary_key=True),
    _required("host"),
    _required("hostsequence", sa.Integer),
    _required("datestart", Moment),
    sa.Column("dateend", Moment),
)
receipts = _table(
    "receipts",
    sa.Column("id", Id, primary_key=True),
    _required("money"),
    _required("datenew", Moment, index=True),
    sa.Column("attributes", sa.LargeBinary),
)
tickets = _table(
    "tickets",
    sa.Column("id", Id, primary_key=True),
    _required("tickettype", sa.Integer),
    _required("ticketid", sa.Integer),
    _required("person"),
    *_texts("customer"),
    _required("status", sa.Integer, default=0),
    sa.Index("tickets_ticketid", "tickettype", "ticketid"),
)
ticketlines = _table(
    "ticketlines",
    sa.Column("ticket", Id, primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    *_texts("product", "attributesetinstance_id"),
    _required("units", Double),
    _required("price", Double),
    _required("taxid"),
    sa.Column("attributes", sa.LargeBinary),
)
payments = _table(
    "payments",
    sa.Column("id", Id, primary_key=True),
    _required("receipt", index=True),
    _required("payment"),
    _required("total", Double),
)
taxlines = _table(
    "taxlines",
    sa.Column("id", Id, primary_key=True),
    _required("receipt", index=True),
    _required("taxid"),
    _required("base", Double),
    _required("amount", Double),
)
