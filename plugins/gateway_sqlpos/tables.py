"""Feeds of a single table: pages by id, single records by id, and what is not there is gone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import ChannelError, Config, Gone, LiveFeed, Mark, Page, Raw, Ref, Token
from gateway.sdk.feeds import R
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.rows import Ids, Row, key, labelled, raws, rows, table
from gateway_sqlpos.till import Till

PAGE = 500


class TableFeed(LiveFeed[R]):
    """The rows of a table. What is deleted there is simply not there any more."""

    columns: tuple[str, ...]
    """Fields of the layout that are read; `id` is the first."""

    def __init__(self, config: SqlPosConfig, till: Till, names: Config) -> None:
        self.config = config
        self._till = till
        self._table = table(names, self.columns)
        self._columns = labelled(self._table, names, self.columns)
        self._id = self._table.c[getattr(names, "id")]  # noqa: B009 every layout of a table has it
        self._ids = Ids(config.layout.integer_ids)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        after = self._ids.after(self._id, None if token is None else json.loads(token))
        found = await self._till.read(lambda conn: self._found(conn, after))
        return Page(raws(found), next=json.dumps(key(found[-1]["id"])) if len(found) == PAGE else None)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        wanted = self._ids.among(self._id, [ref.id for ref in refs])
        found = await self._till.read(lambda conn: self._found(conn, wanted))
        return {**{ref.id: Gone(ref) for ref in refs}, **{raw.id: raw for raw in raws(found)}}

    def _found(self, conn: Connection, where: sa.ColumnElement[bool]) -> list[Row]:
        found = rows(conn, sa.select(*self._columns).where(where).order_by(self._id).limit(PAGE))
        self.complete(conn, found)
        return found

    def complete(self, conn: Connection, found: list[Row]) -> None:
        """Add what other tables know of these rows."""
