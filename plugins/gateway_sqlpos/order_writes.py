"""Placement of orders as receipts, each with its stock in one transaction. Only if the configuration enables it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from gateway.sdk import (
    ChannelError,
    Context,
    Done,
    MovementReason,
    OrderRecord,
    Outcome,
    PaymentStatus,
    PlaceOrder,
    Ref,
    Refused,
    Write,
)
from gateway_sqlpos.bundles import load_bundles
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.database import get_local_time
from gateway_sqlpos.product_groups import load_units
from gateway_sqlpos.receipt_totals import ReceiptError, ReceiptTotals, TillProduct, compute_totals
from gateway_sqlpos.receipt_writer import GATEWAY_PAYMENT, OPEN_PAYMENT, NewReceipt, ReceiptWriter
from gateway_sqlpos.row_ids import build_row_id
from gateway_sqlpos.stock_diary import DiaryEntry, StockDiary
from gateway_sqlpos.stock_writes import has_location
from gateway_sqlpos.till import Till, TillSession


class OrderPlacement(Write[PlaceOrder]):
    """Writes orders as receipts. The row ID is derived from the command's key, so the primary key prevents a second
    receipt.
    """

    of = PlaceOrder
    repeatable = True

    def __init__(self, config: SqlPosConfig, till: Till, context: Context) -> None:
        self._config, self._till, self._context = config, till, context

    async def send(self, commands: Sequence[PlaceOrder]) -> Sequence[Outcome | ChannelError]:
        return [await self._send_command(command) for command in commands]

    async def _send_command(self, command: PlaceOrder) -> Outcome | ChannelError:
        try:
            return await self._till.write(lambda till: self._insert_order(till, command))
        except ReceiptError as error:
            return Refused(code=error.code, message=str(error))
        except ChannelError as error:
            return error

    async def find(self, command: PlaceOrder, ticket: str | None) -> Outcome | None:
        exists = await self._till.read(lambda till: ReceiptWriter(till).is_written(command.key))
        return _make_done(command) if exists else None

    def _insert_order(self, till: TillSession, command: PlaceOrder) -> Outcome:
        writer = ReceiptWriter(till)
        if writer.is_written(command.key):
            return _make_done(command)
        at = get_local_time(self._context, self._config.time_zone)
        totals = self._build_totals(till, writer, command.order, at)
        writer.insert_receipt(self._build_receipt(command, totals, at))
        for entry in build_entries(command.key, totals, at):
            StockDiary(till).insert_entry(entry)
        return _make_done(command)

    def _build_totals(
        self, till: TillSession, writer: ReceiptWriter, order: OrderRecord, at: datetime
    ) -> ReceiptTotals:
        """Compute the totals. Raises `ReceiptError` if the till cannot store such a receipt."""
        for location in {order.place, *(line.place or order.place for line in order.lines)}:
            if location is None or not has_location(till, location):
                raise ReceiptError("NO_LOCATION", f"the till has no location {location}")
        if order.total is None or order.total.currency_code != self._config.currency:
            raise ReceiptError("CURRENCY", f"the currency of the till is {self._config.currency}")
        products = self._load_products(till, writer, order, at)
        config = self._config
        return compute_totals(
            order, products, writer.find_zero_tax(at), config.currency, gross=config.prices_include_tax
        )

    def _load_products(
        self, till: TillSession, writer: ReceiptWriter, order: OrderRecord, at: datetime
    ) -> Mapping[str, TillProduct]:
        requested = {line.variant or "" for line in order.lines}
        products, bundles = writer.load_products(sorted(requested), at), load_bundles(till)
        if missing := sorted(requested - products.keys()):
            raise ReceiptError("NO_PRODUCT", f"the till has no product {missing[0]}")
        if unknown := sorted(id for id in requested if not bundles.get(id, {id: 1})):
            raise ReceiptError("BUNDLE", f"the components of the bundle {unknown[0]} are not known")
        if measured := sorted(load_units(till, sorted(requested))):
            raise ReceiptError("BY_MEASURE", f"the product {measured[0]} is sold by measure, at the till only")
        return products

    def _build_receipt(self, command: PlaceOrder, totals: ReceiptTotals, at: datetime) -> NewReceipt:
        order = command.order
        owed = order.payment_status is PaymentStatus.UNPAID
        return NewReceipt(
            key=command.key,
            number=order.number,
            at=at,
            location=order.place or "",
            clerk=self._config.clerk,
            totals=totals,
            payment=OPEN_PAYMENT if owed else GATEWAY_PAYMENT,
            total=Decimal(0) if order.total is None else Decimal(order.total.amount),
        )


def build_entries(key: str, totals: ReceiptTotals, at: datetime) -> list[DiaryEntry]:
    """Build the diary entries of the lines that sell products. Services move no stock."""
    return [
        DiaryEntry(
            id=build_row_id(key, position),
            at=at,
            product=line.product.id,
            location=line.location or "",
            units=-line.units,
            reason=MovementReason.SALE,
            price=line.price,
        )
        for position, line in enumerate(totals.lines)
        if line.product is not None and not line.product.is_service
    ]


def _make_done(command: PlaceOrder) -> Done:
    return Done(ref=Ref(build_row_id(command.key)), moved_stock=True)
