"""Erases of customers: their row stays, because receipts refer to it, without personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.sdk import ChannelError, ContractError, Done, EraseCustomer, Outcome, Write
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.customers.customer_references import find_columns
from gateway_sqlpos.row_values import IdColumn, split_table_name
from gateway_sqlpos.table_mapping import OPTIONAL_PERSONAL_COLUMNS, PERSONAL_FIELDS
from gateway_sqlpos.till import Till, TillSession

ERASED_NAME = "erased"
"""The name of an erased customer: tills require one."""


class CustomerErasure(Write[EraseCustomer]):
    """Clears the personal columns of a customer. Repeating it has no further effect."""

    of = EraseCustomer
    repeatable = True

    def __init__(self, config: SqlPosConfig, till: Till) -> None:
        self._ids, self._till = IdColumn(config.layout.integer_ids), till

    async def send(self, commands: Sequence[EraseCustomer]) -> Sequence[Outcome | ChannelError]:
        return [await self._send_command(command) for command in commands]

    async def _send_command(self, command: EraseCustomer) -> Outcome | ChannelError:
        try:
            return await self._till.write(lambda till: self._clear_row(till, command))
        except ChannelError as error:
            return error

    async def find(self, command: EraseCustomer, ticket: str | None) -> Outcome | None:
        return None  # it can be sent again

    def _clear_row(self, till: TillSession, command: EraseCustomer) -> Outcome:
        """Clear the row; a customer whom the till does not have is erased already."""
        names, values = till.layout.customers, build_cleared_values(till)
        schema, table_name = split_table_name(names.table or "")
        table = sa.table(table_name, *map(sa.column, {names.id: None, **values}), schema=schema)
        row = self._ids.filter_among(table.c[names.id], [command.subject.id])
        till.conn.execute(sa.update(table).where(row).values(values))
        return Done()


def build_cleared_values(till: TillSession) -> Mapping[str, sa.ColumnElement[Any]]:
    """Build the values of an erased customer, by column. A search key is unique, so it becomes the ID."""
    names = till.layout.customers
    columns = [column for field in PERSONAL_FIELDS if (column := getattr(names, field)) is not None]
    columns += (*list_personal_columns(till), *find_columns(till).values())
    values = {column: _build_empty(till, column) for column in columns if column != names.id}
    if names.search_key is not None:
        values[names.search_key] = sa.cast(sa.column(names.id), sa.String)
    return {**values, names.name: sa.literal(ERASED_NAME, sa.String)}


def list_personal_columns(till: TillSession) -> Sequence[str]:
    """List the further columns to clear. Of those of the profile, the till may lack some.

    Raises:
        ContractError: The till does not have a column that the configuration names.
    """
    names, schema, table = till.layout.customers, till.schema, till.layout.customers.table or ""
    if table not in schema.tables:  # of another schema, whose columns are not known
        return [name for name in names.personal_columns if name not in OPTIONAL_PERSONAL_COLUMNS]
    found = {name: schema.find_column(table, name) for name in names.personal_columns}
    missing = [name for name, column in found.items() if column is None and name not in OPTIONAL_PERSONAL_COLUMNS]
    if missing:
        raise ContractError(f"the till's database has no {missing[0]}; correct layout.customers.personal_columns")
    return [column for column in found.values() if column is not None]


def _build_empty(till: TillSession, column: str) -> sa.ColumnElement[Any]:
    """Build null, or an empty text where the column requires a value."""
    is_required = till.schema.is_required(till.layout.customers.table or "", column)
    return sa.literal("", sa.String) if is_required else sa.null()
