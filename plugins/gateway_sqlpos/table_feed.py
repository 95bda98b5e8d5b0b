"""Feeds of a single table: pages by ID, and single records by ID; a missing row is deleted."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from gateway.sdk import ChannelError, Config, Gone, LiveFeed, Mark, Page, Raw, Ref, Token
from gateway.sdk.feeds import R
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.row_values import (
    IdColumn,
    IdCondition,
    Row,
    build_raws,
    build_table,
    fetch_rows,
    format_id,
    label_columns,
)
from gateway_sqlpos.table_mapping import Layout
from gateway_sqlpos.till import Till, TillSession

PAGE_SIZE = 500


class TableFeed(LiveFeed[R]):
    """A feed of the rows of a table. Deleted rows are detected by their absence."""

    columns: tuple[str, ...]
    """Layout fields to read; `id` is the first."""

    def __init__(self, config: SqlPosConfig, till: Till) -> None:
        self.config = config
        self._till = till
        self._ids = IdColumn(config.layout.integer_ids)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        after = None if token is None else json.loads(token)
        rows = await self._till.read(lambda till: self._load_page(till, lambda id: self._ids.filter_after(id, after)))
        next_token = json.dumps(format_id(rows[-1]["id"])) if len(rows) == PAGE_SIZE else None
        return Page(build_raws(filter(self.has_row, rows)), next=next_token)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        ids = [ref.id for ref in refs]
        rows = await self._till.read(lambda till: self._load_page(till, lambda id: self._ids.filter_among(id, ids)))
        raws = build_raws(filter(self.has_row, rows))
        return {**{ref.id: Gone(ref) for ref in refs}, **{raw.id: raw for raw in raws}}

    def _load_page(self, till: TillSession, build_condition: IdCondition) -> list[Row]:
        names, more = self.get_names(till.layout), self.label_more_columns(till)
        table = build_table(names, self.columns, more.values())
        id = table.c[getattr(names, "id")]  # noqa: B009 every layout of a table has it
        labeled = (table.c[column].label(label) for label, column in more.items())
        statement = sa.select(*label_columns(table, names, self.columns), *labeled).where(build_condition(id))
        rows = fetch_rows(till.conn, statement.order_by(id).limit(PAGE_SIZE))
        self.complete_rows(till, rows)
        return rows

    @abstractmethod
    def get_names(self, layout: Layout) -> Config:
        """Return the names of the table and its columns."""

    def label_more_columns(self, till: TillSession) -> Mapping[str, str]:
        """Return further columns to read, by their labels."""
        return {}

    def has_row(self, row: Row) -> bool:
        """Whether the feed contains this row."""
        return True

    def complete_rows(self, till: TillSession, rows: list[Row]) -> None:
        """Complete these rows: add columns of other tables, and format values that JSON does not have."""
