"""Stock adjustments: an entry in the till's stock diary and the count, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa

from gateway.sdk import AdjustStock, ChannelError, Context, Done, Outcome, Refused, Write
from gateway_sqlpos.bundles import load_bundles
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.database import get_local_time
from gateway_sqlpos.product_groups import EACH, format_item, load_units, parse_item
from gateway_sqlpos.row_ids import build_row_id
from gateway_sqlpos.row_values import Row, bind_text, build_table, fetch_rows, get_number, is_true, label_columns
from gateway_sqlpos.stock_diary import DiaryEntry, StockDiary
from gateway_sqlpos.till import Till, TillSession


class StockAdjustment(Write[AdjustStock]):
    """Adjusts stock. The row ID is derived from the command's key, so the primary key prevents a second movement."""

    of = AdjustStock
    repeatable = True

    def __init__(self, config: SqlPosConfig, till: Till, context: Context) -> None:
        self._config, self._till, self._context = config, till, context

    async def send(self, commands: Sequence[AdjustStock]) -> Sequence[Outcome | ChannelError]:
        return [await self._send_command(command) for command in commands]

    async def _send_command(self, command: AdjustStock) -> Outcome | ChannelError:
        try:
            return await self._till.write(lambda till: self._adjust_stock(till, command))
        except ChannelError as error:
            return error

    async def find(self, command: AdjustStock, ticket: str | None) -> Outcome | None:
        exists = await self._till.read(lambda till: StockDiary(till).has_entry(build_row_id(command.key)))
        return Done(moved_stock=True) if exists else None

    def _adjust_stock(self, till: TillSession, command: AdjustStock) -> Outcome:
        diary, location = StockDiary(till), command.place
        product, parts = parse_item(command.subject.id)
        unit = load_units(till, [product]).get(product)
        if diary.has_entry(build_row_id(command.key)):
            return Done(moved_stock=True)
        row = find_product(till, product)
        if row is None:
            return Refused(code="NO_PRODUCT", message=f"the till has no product {product}")
        if (problem := find_stock_problem(till, product, row)) is not None:
            return problem
        if format_item(product, unit) != command.subject.id:
            return Refused(code="UNIT_CHANGED", message=f"the till counts the product {product} in {unit or EACH} now")
        if not has_location(till, location):
            return Refused(code="NO_LOCATION", message=f"the till has no location {location}")
        diary.insert_entry(
            DiaryEntry(
                id=build_row_id(command.key),
                at=get_local_time(self._context, self._config.time_zone),
                product=product,
                location=location,
                units=Decimal(command.delta) / parts,
                reason=command.reason,
                price=get_number(row, "price"),
            )
        )
        return Done(moved_stock=True)


def find_product(till: TillSession, product: str) -> Row | None:
    """Find the price of a product, since the diary stores the value of moved units, and whether it is a service."""
    names, fields = till.layout.products, ("price", "service")
    table = build_table(names, ("id", *fields))
    statement = sa.select(*label_columns(table, names, fields)).where(table.c[names.id] == bind_text(product))
    return next(iter(fetch_rows(till.conn, statement)), None)


def find_stock_problem(till: TillSession, product: str, row: Row) -> Refused | None:
    """Return why the stock of a product cannot be moved; None if it can."""
    if is_true(row["service"]):
        return Refused(code="NO_STOCK", message=f"the product {product} is a service, which has no stock")
    if not load_bundles(till).get(product, {product: 1}):
        return Refused(code="BUNDLE", message=f"the components of the bundle {product} are not known")
    return None


def has_location(till: TillSession, location: str) -> bool:
    """Whether the till has this location."""
    names = till.layout.locations
    column = build_table(names, ("id",)).c[names.id]
    return till.conn.execute(sa.select(column).where(column == bind_text(location))).first() is not None
