"""Orders: taking in what channels sold.

No order of arrival is needed: what was sold and who bought it is resolved when read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from gateway.commerce import attaching, following
from gateway.commerce.customers import UNCOUNTED
from gateway.commerce.taking import Seen, Take
from gateway.model.ids import new_id
from gateway.model.money import Money
from gateway.model.values import sku_key
from gateway.sdk.records import OrderLineRecord, OrderRecord
from gateway.storage import health, identities, log, products, sales
from gateway.storage.database import Connection
from gateway.storage.rows import dump
from gateway.storage.sales import OrderLineRow, OrderRow
from gateway.storage.search import kept_words

Lines = Mapping[tuple[str, str], OrderLineRow]


def take_orders(conn: Connection, take: Take[OrderRecord]) -> None:
    """Apply order records of one channel. An order that the channel shows no more stays (rule S4)."""
    ids = [seen.source_id for seen in take.seen]
    before, lines = sales.orders_by_id(conn, ids), sales.lines_of(conn, ids)
    wanted = [_order(take, seen, before.get(seen.source_id)) for seen in take.seen]
    copies = attaching.attach(conn, take, wanted)
    _have_followed(conn, take, wanted, before)
    new_lines = _lines(conn, take, lines)
    moved = {row.order_id for row in new_lines if row != lines.get((row.order_id, row.external_id))}
    kept = {row.id for row in new_lines}
    dropped = {row.id: row.order_id for row in lines.values() if row.id not in kept}
    moved |= set(dropped.values())
    changed = [_versioned(row, take) for row in wanted if row != before.get(row.id) or row.id in moved]
    sales.store(conn, changed, before)
    sales.store_lines(
        conn, [row for row in new_lines if row.order_id in moved], {row.id for row in lines.values()}, dropped
    )
    products.store_words(conn, "order", changed, before)
    taken_out = [replace(row, quantity=0, fulfilled_quantity=0) for row in lines.values() if row.id in dropped]
    _follow(conn, take, wanted, [*new_lines, *taken_out])
    attaching.learn(conn, take, copies)
    _recount(conn, take, [*changed, *before.values()])
    log.record(conn, "ORDER", [(row.id, row.version) for row in changed], take.now)


def _have_followed(
    conn: Connection, take: Take[OrderRecord], wanted: Sequence[OrderRow], before: Mapping[str, OrderRow]
) -> None:
    """Whatever is sold once the channel has been read completely. What was sold before is in everybody's counts."""
    new = [row for row in wanted if row.id not in before and row.attached_to is None]
    if new and take.channel not in health.unsynced(conn, [take.channel]):
        for row in new:
            row.followed = True


def _follow(
    conn: Connection, take: Take[OrderRecord], wanted: Sequence[OrderRow], lines: Sequence[OrderLineRow]
) -> None:
    rows = {row.id: row for row in wanted if row.followed}
    sold = [following.Sale(rows[line.order_id], line) for line in lines if line.order_id in rows]
    following.follow(conn, sold, take.count, take.rules.ground, take.now)


def _order(take: Take[OrderRecord], seen: Seen[OrderRecord], known: OrderRow | None) -> OrderRow:
    record = seen.record
    return OrderRow(
        id=seen.source_id,
        version=known.version if known else 0,
        channel=take.channel,
        external_id=record.ref.id,
        number=record.number,
        client_reference=record.client_reference,
        place=record.place,
        customer=record.customer,
        customer_channel=None if record.customer is None else take.channel,
        reverses=record.reverses,
        status=record.status.value,
        fulfillment_status=record.fulfillment_status.value,
        payment_status=record.payment_status.value,
        return_status=record.return_status.value,
        currency=_currency(record),
        subtotal=_minor(record.subtotal),
        discount_total=_minor(record.discount_total),
        tax_total=_minor(record.tax_total),
        tax_included=record.tax_included,
        tax_lines=dump(
            [[tax.title, str(tax.rate), tax.amount.minor, tax.amount.currency_code] for tax in record.tax_lines]
        ),
        shipping_total=_minor(record.shipping_total),
        total=_minor(record.total),
        refunded_total=_minor(record.refunded_total),
        contact=_json(record.contact),
        shipping_address=_json(record.shipping_address),
        billing_address=_json(record.billing_address),
        stock_posted=record.stock_posted,
        attached_to=known.attached_to if known else None,
        followed=known.followed if known else None,
        unplaced=known.unplaced if known else None,
        words=kept_words([record.number, record.client_reference or "", *_skus(record)]),
        placed_at=record.placed_at,
        cancelled_at=record.cancelled_at,
        updated_at=known.updated_at if known else take.now,
    )


def _versioned(row: OrderRow, take: Take[OrderRecord]) -> OrderRow:
    return replace(row, version=row.version + 1, updated_at=take.now)


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


def _json(part: Any) -> str | None:
    return None if part is None else dump(asdict(part))


def _currency(record: OrderRecord) -> str | None:
    amounts = (record.total, record.subtotal, record.tax_total, record.shipping_total, record.discount_total)
    return next((amount.currency_code for amount in amounts if amount is not None), None)


def _lines(conn: Connection, take: Take[OrderRecord], known: Lines) -> list[OrderLineRow]:
    sold = {line.variant for seen in take.seen for line in seen.record.lines if line.variant is not None}
    now = sales.generations(conn, take.channel, sold)
    return [
        _line(take, seen, position, line, known.get((seen.source_id, line.ref.id)), now)
        for seen in take.seen
        for position, line in enumerate(seen.record.lines)
    ]


def _line(
    take: Take[OrderRecord],
    seen: Seen[OrderRecord],
    position: int,
    line: OrderLineRecord,
    known: OrderLineRow | None,
    generations: Mapping[str, int],
) -> OrderLineRow:
    same = known is not None and known.variant == line.variant
    amount = line.total or line.unit_price
    return OrderLineRow(
        id=known.id if known else new_id(take.now),
        order_id=seen.source_id,
        external_id=line.ref.id,
        position=position,
        channel=take.channel,
        place=line.place,
        variant=line.variant,
        generation=known.generation if known and same else generations.get(line.variant or "", 1),
        title=line.title,
        sku=line.sku,
        sku_key=None if line.sku is None else sku_key(line.sku),
        quantity=line.quantity,
        unit_price=_minor(line.unit_price),
        total=_minor(line.total),
        currency=None if amount is None else amount.currency_code,
        fulfilled_quantity=line.fulfilled_quantity,
        returned_quantity=line.returned_quantity,
    )


def _skus(record: OrderRecord) -> list[str]:
    return [line.sku for line in record.lines if line.sku is not None]


def _recount(conn: Connection, take: Take[OrderRecord], rows: list[OrderRow]) -> None:
    buyers = {row.customer for row in rows if row.customer is not None}
    identities.recount(conn, identities.customers_of(conn, take.channel, buyers), UNCOUNTED)
