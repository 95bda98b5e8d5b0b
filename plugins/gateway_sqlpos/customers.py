"""Customers of a till, with the number of the card that she shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import (
    Address,
    ChannelError,
    ContactPoint,
    CustomerRecord,
    Gone,
    LiveFeed,
    Mark,
    Page,
    Raw,
    Ref,
    Token,
)
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.rows import Ids, Row, labelled, rows, table, text
from gateway_sqlpos.till import Till

PAGE = 500
_ADDRESS = ("line1", "line2", "city", "region", "postal_code")
_COLUMNS = ("id", "name", "given_name", "family_name", "email", "phone", "card", *_ADDRESS, "country")


class CustomerFeed(LiveFeed[CustomerRecord]):
    """The table of customers."""

    of = CustomerRecord
    name = "customers"
    every = timedelta(minutes=15)

    def __init__(self, config: SqlPosConfig, till: Till) -> None:
        self._till = till
        self._names = config.layout.customers
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
        return [Raw(str(row["id"]), row) for row in found]

    def read(self, raw: Raw) -> CustomerRecord:
        row: Row = raw.data
        return CustomerRecord(
            ref=Ref(raw.id),
            display_name=text(row, "name"),
            given_name=text(row, "given_name"),
            family_name=text(row, "family_name"),
            emails=_contacts(row, "email"),
            phones=_contacts(row, "phone"),
            addresses=_addresses(row),
            loyalty_number=text(row, "card"),
        )


def _contacts(row: Row, field: str) -> tuple[ContactPoint, ...]:
    value = text(row, field)
    return () if value is None else (ContactPoint(value=value.strip(), primary=True),)


def _addresses(row: Row) -> tuple[Address, ...]:
    parts = {field: text(row, field) for field in _ADDRESS}
    country = text(row, "country") or ""
    if not any(parts.values()):
        return ()
    code = country if re.fullmatch("[A-Z]{2}", country) else None  # a free text field, and often a country's name
    return (Address(**parts, country_code=code),)
