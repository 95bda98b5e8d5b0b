"""Tables that a sale touches, with the columns, keys and constraints of three families of tills.

The tables of Openbravo POS and Chromis are UPPERCASE, and the dates of Chromis are TIMESTAMPs. uniCenta oPOS has
bundles, and like Chromis services.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

Id = sa.String(255)
Double: sa.Double[float] = sa.Double()


class Family(Enum):
    """A family of tills."""

    OPENBRAVO = "openbravo"
    UNICENTA = "unicenta"
    CHROMIS = "chromis"


class _SecondsText(sa.TypeDecorator[datetime]):
    """Stores dates as text in SQLite; tills write no fractions of seconds."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else value.isoformat(" ", "seconds")


class _Instant(sa.TypeDecorator[datetime]):
    """Stores local times as instants, in a session whose time zone is UTC, as MariaDB's TIMESTAMP does."""

    impl = sa.TIMESTAMP
    cache_ok = True

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self.zone = zone

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=self.zone).astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None)


_Local = sa.DateTime().with_variant(_SecondsText(), "sqlite")
Flag = sa.Boolean().with_variant(mysql.BIT(1), "mariadb", "mysql")


@dataclass(frozen=True, eq=False)
class TillTables:
    """The tables of a till. Columns have lowercase keys in all families.

    Attributes:
        zone: Time zone of the till.
        foreign_keys: Whether the tables have their foreign keys; those of tills that were copied or merged have none.
    """

    family: Family
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    foreign_keys: bool = True
    metadata: sa.MetaData = field(default_factory=sa.MetaData)

    def __post_init__(self) -> None:
        for name, columns in _COLUMNS.items():
            self._define_table(name, [*columns, *_FAMILY_COLUMNS[self.family].get(name, ())])
        if self.family is Family.UNICENTA:
            self._define_table("products_bundle", _BUNDLE_COLUMNS)

    def __getattr__(self, name: str) -> sa.Table:
        try:
            return self.metadata.tables[self._format_name(name)]
        except KeyError:
            raise AttributeError(name) from None

    def _define_table(self, name: str, columns: list[ColumnDefinition]) -> None:
        date: Any = _Instant(self.zone) if self.family is Family.CHROMIS else _Local
        defined = [column.build(self._format_name, date, self.foreign_keys) for column in columns]
        table = sa.Table(self._format_name(name), self.metadata, *defined)
        for index, (keys, unique) in _INDEXES.get(name, {}).items():
            sa.Index(self._format_name(index), *(table.c[key] for key in keys), unique=unique)
        if name == "products" and self.family is Family.OPENBRAVO:
            sa.Index("PRODUCTS_NAME_INX", table.c.name, unique=True)

    def _format_name(self, name: str) -> str:
        return name if self.family is Family.UNICENTA else name.upper()


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column. `references`: the table and column that it refers to."""

    name: str
    type: Any = Id
    required: bool = False
    primary: bool = False
    unique: bool = False
    references: str | None = None
    default: Any = None
    index: bool = False

    def build(self, spell: Callable[[str], str], date: Any, foreign_keys: bool) -> sa.Column[Any]:
        """Build the column. `spell`: returns a name in the spelling of the family; `date`: its type of dates."""
        table, _, column = (self.references or "").partition(".")
        return sa.Column(
            spell(self.name),
            date if self.type is datetime else self.type,
            *([sa.ForeignKey(f"{spell(table)}.{column}")] if table and foreign_keys else []),
            key=self.name,
            nullable=not (self.required or self.primary),
            primary_key=self.primary,
            unique=self.unique or None,
            default=self.default,
            index=self.index or None,
            autoincrement=False,
        )


def _list_texts(*names: str) -> list[ColumnDefinition]:
    return [ColumnDefinition(name) for name in names]


def _define_id(name: str = "id", **options: Any) -> ColumnDefinition:
    return ColumnDefinition(name, primary=True, **options)


def _define_required(name: str, type: Any = Id, **options: Any) -> ColumnDefinition:
    return ColumnDefinition(name, type, required=True, **options)


def _define_key(name: str, references: str, **options: Any) -> ColumnDefinition:
    return ColumnDefinition(name, references=references, **options)


_COLUMNS: dict[str, list[ColumnDefinition]] = {
    "applications": [_define_id(), _define_required("name"), _define_required("version")],
    "roles": [_define_id(), _define_required("name", unique=True)],
    "people": [
        _define_id(),
        _define_required("name", unique=True),
        _define_key("role", "roles.id", required=True, default="0"),
        _define_required("visible", Flag),
    ],
    "taxcustcategories": [_define_id(), _define_required("name", unique=True)],
    "customers": [
        _define_id(),
        _define_required("searchkey", unique=True),
        _define_key("taxcategory", "taxcustcategories.id"),
        *_list_texts("taxid", "card", "firstname", "lastname", "email", "phone", "phone2", "fax", "notes"),
        *_list_texts("address", "address2", "postal", "city", "region", "country"),
        _define_required("name"),
        _define_required("maxdebt", Double, default=0.0),
        _define_required("visible", Flag, default=True),
        ColumnDefinition("emailverified", Flag),  # which no till has by itself
        ColumnDefinition("curdate", datetime),
        ColumnDefinition("curdebt", Double),
    ],
    "categories": [_define_id(), _define_required("name", unique=True), _define_key("parentid", "categories.id")],
    "taxcategories": [_define_id(), _define_required("name", unique=True)],
    "taxes": [
        _define_id(),
        _define_required("name", unique=True),
        _define_key("category", "taxcategories.id", required=True),
        _define_key("custcategory", "taxcustcategories.id"),
        _define_key("parentid", "taxes.id"),
        _define_required("rate", Double),
        _define_required("ratecascade", Flag, default=False),
    ],
    "attributeset": [_define_id(), _define_required("name")],
    "attributesetinstance": [
        _define_id(),
        _define_key("attributeset_id", "attributeset.id", required=True),
        *_list_texts("description"),
    ],
    "products": [
        _define_id(),
        _define_required("reference", unique=True),
        _define_required("code", unique=True),
        *_list_texts("codetype"),
        _define_key("attributeset_id", "attributeset.id"),
        _define_required("name"),
        _define_required("pricebuy", Double, default=0.0),
        _define_required("pricesell", Double),
        _define_key("category", "categories.id", required=True),
        _define_key("taxcat", "taxcategories.id", required=True),
        _define_required("iscom", Flag, default=False),
        _define_required("isscale", Flag, default=False),
    ],
    "locations": [_define_id(), _define_required("name", unique=True), *_list_texts("address")],
    "stockdiary": [
        _define_id(),
        _define_required("datenew", datetime, index=True),
        _define_required("reason", sa.Integer),
        _define_key("location", "locations.id", required=True),
        _define_key("product", "products.id", required=True),
        _define_key("attributesetinstance_id", "attributesetinstance.id"),
        _define_required("units", Double),
        _define_required("price", Double),
    ],
    "stockcurrent": [  # its unique index has a nullable column, so duplicates are possible
        _define_key("location", "locations.id", required=True),
        _define_key("product", "products.id", required=True),
        _define_key("attributesetinstance_id", "attributesetinstance.id"),
        _define_required("units", Double),
    ],
    "closedcash": [
        _define_id("money"),
        _define_required("host"),
        _define_required("hostsequence", sa.Integer),
        _define_required("datestart", datetime),
        ColumnDefinition("dateend", datetime),
    ],
    "receipts": [
        _define_id(),
        _define_key("money", "closedcash.money", required=True),
        _define_required("datenew", datetime, index=True),
        ColumnDefinition("attributes", sa.LargeBinary),
    ],
    "tickets": [
        _define_id(references="receipts.id"),
        _define_required("tickettype", sa.Integer, default=0),
        _define_required("ticketid", sa.Integer),
        _define_key("person", "people.id", required=True),
        _define_key("customer", "customers.id"),
        _define_required("status", sa.Integer, default=0),
    ],
    "ticketlines": [
        _define_id("ticket", references="tickets.id"),
        ColumnDefinition("line", sa.Integer, primary=True),
        _define_key("product", "products.id"),
        _define_key("attributesetinstance_id", "attributesetinstance.id"),
        _define_required("units", Double),
        _define_required("price", Double),
        _define_key("taxid", "taxes.id", required=True),
        ColumnDefinition("attributes", sa.LargeBinary),
    ],
    "payments": [
        _define_id(),
        _define_key("receipt", "receipts.id", required=True, index=True),
        _define_required("payment"),
        _define_required("total", Double),
    ],
    "taxlines": [
        _define_id(),
        _define_key("receipt", "receipts.id", required=True, index=True),
        _define_key("taxid", "taxes.id", required=True),
        _define_required("base", Double),
        _define_required("amount", Double),
    ],
}
_SERVICE = _define_required("isservice", Flag, default=False)
_FAMILY_COLUMNS: dict[Family, dict[str, list[ColumnDefinition]]] = {
    Family.OPENBRAVO: {"taxes": [ColumnDefinition("validfrom", datetime)]},
    Family.UNICENTA: {
        "products": [_SERVICE],
        "receipts": _list_texts("person"),
        "stockdiary": _list_texts("appuser"),
    },
    Family.CHROMIS: {"products": [_SERVICE], "taxes": [ColumnDefinition("validfrom", datetime)]},
}
_BUNDLE_COLUMNS = [
    _define_id(),
    _define_key("product", "products.id", required=True),
    _define_key("product_bundle", "products.id", required=True),
    _define_required("quantity", Double),
]
_INDEXES: dict[str, dict[str, tuple[tuple[str, ...], bool]]] = {
    "stockcurrent": {"stockcurrent_inx": (("location", "product", "attributesetinstance_id"), True)},
    "closedcash": {"closedcash_inx_seq": (("host", "hostsequence"), True)},
    "tickets": {"tickets_ticketid": (("tickettype", "ticketid"), False)},
    "products_bundle": {"pbundle_inx_prod": (("product", "product_bundle"), True)},
}

tables = TillTables(Family.UNICENTA)
"""The tables of a till of the default family."""

metadata = tables.metadata


def __getattr__(name: str) -> sa.Table:
    return getattr(tables, name)  # type: ignore[no-any-return]
