"""Check of the rows and columns that the configuration names: a wrong one is reported at once, not by the first
write.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from gateway.sdk import ContractError
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.customers.customer_references import check_erasable, find_columns
from gateway_sqlpos.customers.erasure_writes import list_personal_columns
from gateway_sqlpos.row_values import IdColumn, build_table, format_id
from gateway_sqlpos.till import TillSession


def check_configured_rows(till: TillSession, config: SqlPosConfig) -> None:
    """Raise `ContractError` if the till lacks a row that the configuration names, or a column of customers. Users
    are checked where the till's database user may read them.
    """
    locations = till.layout.locations
    table = build_table(locations, ("id",))
    missing = _find_missing(till, table.c[locations.id], config.tills.values(), integers=till.layout.integer_ids)
    if missing:
        raise ContractError(f"the till has no location {missing[0]} ({table.name}); correct tills")
    if config.receipts and till.schema.find_table("people") is not None:
        people = till.define_table("people", "id")
        if _find_missing(till, people.c.id, [config.clerk], integers=False):
            raise ContractError(f"the till has no user {config.clerk} ({people.name}); correct clerk")
    find_columns(till)
    if config.erase_customers:
        list_personal_columns(till)
        check_erasable(till)


def _find_missing(
    till: TillSession, column: sa.ColumnElement[object], ids: Iterable[str], *, integers: bool
) -> list[str]:
    wanted = sorted(set(ids))
    if not wanted:
        return []
    statement = sa.select(column).where(IdColumn(integers).filter_among(column, wanted))
    found = {format_id(id) for id in till.conn.scalars(statement)}
    return [id for id in wanted if id not in found]
