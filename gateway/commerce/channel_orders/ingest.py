"""Order ingest: applies the orders that channels sold.

Records can arrive in any sequence: products and customers of an order are resolved when it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from gateway.commerce.channel_orders import attention, external_sales, reconciliation, units_of_measure
from gateway.commerce.channel_orders.line_locations import ExternalSaleLine
from gateway.commerce.channel_orders.units_of_measure import LineKey, RemeasuredLine, UnitsOfMeasure
from gateway.commerce.customers import guests
from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.customer_rows import count_orders
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord
from gateway.commerce.privacy.order_contacts import clear_contacts
from gateway.model.ids import generate_id
from gateway.model.money import Money, to_micros
from gateway.model.validation import normalize_sku
from gateway.sdk.records import LocationQuantity, OrderRecord
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.sql.text_search import join_words
from gateway.storage.sync import channel_health
from gateway.storage.writes import orders, products
from gateway.storage.writes.customers import identities
from gateway.storage.writes.orders import OrderLineRow, OrderRow

Lines = Mapping[LineKey, OrderLineRow]


def ingest_orders(conn: Connection, batch: IngestBatch[OrderRecord]) -> None:
    """Apply the order records of one channel. An order that the channel does not show any more is kept (rule S4)."""
    ids = [ingested.source_id for ingested in batch.records]
    before, lines = orders.lock_orders(conn, ids), orders.find_lines(conn, ids)
    rows = [_build_order(batch, ingested, before.get(ingested.source_id)) for ingested in batch.records]
    copies = reconciliation.attach_copies(conn, batch, rows)
    clear_contacts(conn, rows, before, batch.context)
    for row in rows:
        guests.assign_guest(row, before.get(row.id))
    _mark_followed(conn, batch, rows, before)
    units = UnitsOfMeasure(_load_generations(conn, batch, lines))
    remeasured = units_of_measure.find_remeasured(batch, lines, units)
    new_lines = _build_lines(batch, lines, units, remeasured)
    changed_orders = {row.order_id for row in new_lines if row != lines.get((row.order_id, row.external_id))}
    line_ids = {row.id for row in new_lines}
    dropped = {row.id: row.order_id for row in lines.values() if row.id not in line_ids}
    noted = attention.update_attention(conn, batch, rows, remeasured)
    changed_orders |= set(dropped.values()) | noted
    changed = [_bump_version(row, batch) for row in rows if row != before.get(row.id) or row.id in changed_orders]
    orders.store_orders(conn, changed, before)
    guests.store_guests(conn, rows, batch.rules.selling.customers, batch.now)
    orders.store_lines(
        conn, [row for row in new_lines if row.order_id in changed_orders], {row.id for row in lines.values()}, dropped
    )
    products.store_words(conn, "order", changed, before)
    taken_out = [
        replace(row, quantity=0, fulfilled_quantity=0, restocked_quantity=None)
        for row in lines.values()
        if row.id in dropped
    ]
    _follow_sales(conn, batch, rows, [*new_lines, *taken_out])
    reconciliation.apply_copies(conn, batch, copies)
    attention.log_originals(conn, [row for row in rows if row.id in noted], batch.now)
    _update_order_counts(conn, [*changed, *before.values()], batch.rules.selling.customers)
    change_log.log_change(conn, "ORDER", [(row.id, row.version) for row in changed], batch.now)


def _mark_followed(
    conn: Connection, batch: IngestBatch[OrderRecord], rows: Sequence[OrderRow], before: Mapping[str, OrderRow]
) -> None:
    """Mark new orders to be followed once the channel has been synced completely. Earlier sales are in every count
    already, and test orders are no sales.
    """
    new = [row for row in rows if row.id not in before and row.attached_to is None and not row.test]
    if new and batch.channel not in channel_health.find_unsynced(conn, [batch.channel]):
        for row in new:
            row.followed = True


def _follow_sales(
    conn: Connection, batch: IngestBatch[OrderRecord], orders: Sequence[OrderRow], lines: Sequence[OrderLineRow]
) -> None:
    rows = {row.id: row for row in orders if row.followed}
    sale_lines = [ExternalSaleLine(rows[line.order_id], line) for line in lines if line.order_id in rows]
    external_sales.follow_sales(conn, sale_lines, batch.count, batch.context)


def _build_order(
    batch: IngestBatch[OrderRecord], ingested: IngestedRecord[OrderRecord], former: OrderRow | None
) -> OrderRow:
    record = ingested.record
    return OrderRow(
        id=ingested.source_id,
        version=former.version if former else 0,
        channel=batch.channel,
        external_id=record.ref.id,
        number=record.number,
        client_reference=record.client_reference,
        place=record.place,
        customer=record.customer,
        customer_channel=None if record.customer is None else batch.channel,
        reverses=record.reverses,
        status=record.status.value,
        fulfillment_status=record.fulfillment_status.value,
        payment_status=record.payment_status.value,
        return_status=record.return_status.value,
        currency=_find_currency(record),
        subtotal=_get_minor(record.subtotal),
        discount_total=_get_minor(record.discount_total),
        tax_total=_get_minor(record.tax_total),
        tax_included=record.tax_included,
        tax_lines=dump_json(
            [[tax.title, str(tax.rate), tax.amount.minor, tax.amount.currency_code] for tax in record.tax_lines]
        ),
        shipping_total=_get_minor(record.shipping_total),
        other_charges=_dump_charges(record),
        total=_get_minor(record.total),
        refunded_total=_get_minor(record.refunded_total),
        contact=_dump_json(record.contact),
        shipping_address=_dump_json(record.shipping_address),
        billing_address=_dump_json(record.billing_address),
        stock_posted=record.stock_posted,
        attached_to=former.attached_to if former else None,
        followed=former.followed if former else None,
        unplaced=former.unplaced if former else None,
        words=join_words([record.number, record.client_reference or "", *_list_skus(record)]),
        placed_at=record.placed_at,
        cancelled_at=record.cancelled_at,
        test=record.test or None,
        updated_at=former.updated_at if former else batch.now,
    )


def _bump_version(row: OrderRow, batch: IngestBatch[OrderRecord]) -> OrderRow:
    return replace(row, version=row.version + 1, updated_at=batch.now)


def _get_minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


def _dump_json(value: Any) -> str | None:
    return None if value is None else dump_json(asdict(value))


def _dump_charges(record: OrderRecord) -> str | None:
    charges = [
        [charge.kind.value, charge.title, charge.amount.minor, charge.amount.currency_code]
        for charge in record.other_charges
    ]
    return dump_json(charges) if charges else None


def _find_currency(record: OrderRecord) -> str | None:
    amounts = (record.total, record.subtotal, record.tax_total, record.shipping_total, record.discount_total)
    return next((amount.currency_code for amount in amounts if amount is not None), None)


def _load_generations(
    conn: Connection, batch: IngestBatch[OrderRecord], former: Lines
) -> Mapping[str, Mapping[int, str]]:
    """Load the generations of what these orders sell, and sold before."""
    named = [line.variant for ingested in batch.records for line in ingested.record.lines]
    sold = {*named, *(row.variant for row in former.values())}
    return orders.find_generations(conn, batch.channel, {variant for variant in sold if variant is not None})


def _build_lines(
    batch: IngestBatch[OrderRecord],
    former: Lines,
    units: UnitsOfMeasure,
    remeasured: Mapping[LineKey, RemeasuredLine],
) -> list[OrderLineRow]:
    new = [
        _build_line(batch, ingested, position, former.get((ingested.source_id, line.ref.id)), units)
        for ingested in batch.records
        for position, line in enumerate(ingested.record.lines)
        if (ingested.source_id, line.ref.id) not in remeasured
    ]
    return [*new, *_list_retained(batch, former, remeasured)]


def _list_retained(
    batch: IngestBatch[OrderRecord], former: Lines, remeasured: Mapping[LineKey, RemeasuredLine]
) -> list[OrderLineRow]:
    """List the last good versions of lines that cannot be read now (rule O9), or only in another unit of measure than
    they were sold in (rule O7). They were not taken off the order.
    """
    rejected = {(ingested.source_id, line.id) for ingested in batch.records for line in ingested.record.rejected_lines}
    unreadable = [row for key, row in former.items() if key in rejected]
    return unreadable + [line.retained for key, line in remeasured.items() if key not in rejected]


def _build_line(
    batch: IngestBatch[OrderRecord],
    ingested: IngestedRecord[OrderRecord],
    position: int,
    former: OrderLineRow | None,
    units: UnitsOfMeasure,
) -> OrderLineRow:
    line = ingested.record.lines[position]
    amount = line.total or line.unit_price
    return OrderLineRow(
        id=former.id if former else generate_id(batch.now),
        order_id=ingested.source_id,
        external_id=line.ref.id,
        position=position,
        channel=batch.channel,
        place=line.place,
        variant=line.variant,
        generation=units.choose_generation(line, former),
        title=line.title,
        sku=line.sku,
        sku_key=None if line.sku is None else normalize_sku(line.sku),
        quantity=line.quantity,
        unit_price=_get_minor(line.unit_price),
        unit_price_micros=None if line.exact_unit_price is None else to_micros(line.exact_unit_price),
        total=_get_minor(line.total),
        currency=None if amount is None else amount.currency_code,
        fulfilled_quantity=line.fulfilled_quantity,
        returned_quantity=line.returned_quantity,
        restocked_quantity=line.restocked_quantity or None,
        locations=_dump_locations(line.locations),
        restocked_locations=_dump_locations(line.restocked_locations),
    )


def _dump_locations(shares: Sequence[LocationQuantity]) -> str | None:
    return orders.dump_locations({share.location: share.quantity for share in shares})


def _list_skus(record: OrderRecord) -> list[str]:
    return [line.sku for line in record.lines if line.sku is not None]


def _update_order_counts(conn: Connection, rows: Sequence[OrderRow], config: CustomerConfig) -> None:
    """Count the orders anew of the customers that these name."""
    for channel in {row.customer_channel for row in rows if row.customer_channel is not None}:
        buyers = {row.customer for row in rows if row.customer is not None and row.customer_channel == channel}
        customer_ids = identities.lock_customer_ids(conn, channel, buyers)
        count_orders(conn, customer_ids, config)
