"""Reads of the timeline: one list over everything that happened to a customer, newest first.

Each kind is a select over the identities of the customer, and the timeline the union of them. Nothing is stored twice,
so that a merge or a split moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.timeline import Interaction, InteractionKind
from gateway.model.orders import OrderEventKind
from gateway.storage.reads.orders import MappedLocations
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import (
    Text,
    carts,
    consent_facts,
    identities,
    interactions,
    loyalty_accounts,
    loyalty_entries,
    order_events,
    orders,
)

_OWNERS = (identities.c.customer_id, identities.c.proved_id)
_NONE = sa.cast(sa.null(), Text)


def _label(kind: InteractionKind, **columns: Any) -> list[sa.ColumnElement[Any]]:
    """Label the columns of one kind, in the order of the union."""
    values: dict[str, Any] = {
        "row_id": None,
        "occurred_at": None,
        "channel": _NONE,
        "place": _NONE,
        "location": _NONE,
        "text": _NONE,
        "public": sa.true(),
        "actor": _NONE,
        "subject_id": _NONE,
    } | columns
    prefix = sa.literal(f"{kind.value}:", Text)
    labeled = [value.label(name) for name, value in values.items()]
    return [prefix.concat(values["row_id"]).label("id"), sa.literal(kind.value, Text).label("kind"), *labeled, *_OWNERS]


_same_customer = sa.and_(
    orders.c.customer_channel == identities.c.channel, orders.c.customer == identities.c.external_id
)
_is_shown = sa.and_(skip_index(orders.c.attached_to).is_(None), orders.c.test.is_not(True))
_ORDERS = (
    sa.select(
        *_label(
            InteractionKind.ORDER,
            row_id=orders.c.id,
            occurred_at=orders.c.placed_at,
            channel=orders.c.channel,
            place=orders.c.place,
            text=orders.c.number,
            subject_id=orders.c.id,
        )
    )
    .select_from(identities.join(orders, _same_customer))
    .where(_is_shown)
)
_PICKUPS = (
    sa.select(
        *_label(
            InteractionKind.PICKUP,
            row_id=order_events.c.id,
            occurred_at=order_events.c.occurred_at,
            channel=orders.c.channel,
            location=order_events.c.location,
            text=orders.c.number,
            subject_id=orders.c.id,
        )
    )
    .select_from(identities.join(orders, _same_customer).join(order_events, order_events.c.order_id == orders.c.id))
    .where(_is_shown, order_events.c.kind == OrderEventKind.COLLECTED.value)
)
_CARTS = (
    sa.select(
        *_label(
            InteractionKind.CART,
            row_id=carts.c.id,
            occurred_at=carts.c.updated_at,
            channel=carts.c.channel,
            text=carts.c.status,
            subject_id=carts.c.id,
        )
    )
    .select_from(identities.join(carts, carts.c.customer_id == identities.c.home))
    .where(carts.c.order_id.is_(None))
)
_INTERACTIONS = [
    sa.select(
        *_label(
            kind,
            row_id=interactions.c.id,
            occurred_at=interactions.c.occurred_at,
            channel=interactions.c.channel,
            location=interactions.c.location,
            text=interactions.c.summary,
            public=interactions.c.public,
            actor=interactions.c.actor,
        )
    )
    .select_from(identities.join(interactions, interactions.c.identity_id == identities.c.id))
    .where(interactions.c.kind == kind.value)
    for kind in (InteractionKind.SERVICE_CONTACT, InteractionKind.STORE_VISIT, InteractionKind.NOTE)
]
_LOYALTY = sa.select(
    *_label(
        InteractionKind.LOYALTY,
        row_id=loyalty_entries.c.id,
        occurred_at=loyalty_entries.c.occurred_at,
        channel=loyalty_entries.c.channel,
        location=loyalty_entries.c.location,
        text=sa.cast(loyalty_entries.c.points, Text).concat(" points: ").concat(loyalty_entries.c.reason),
        subject_id=loyalty_entries.c.id,
    )
).select_from(
    identities.join(loyalty_accounts, loyalty_accounts.c.identity_id == identities.c.id).join(
        loyalty_entries, loyalty_entries.c.account_id == loyalty_accounts.c.id
    )
)
_granted = sa.case((consent_facts.c.granted, "granted"), else_="denied")
_CONSENTS = sa.select(
    *_label(
        InteractionKind.CONSENT,
        row_id=consent_facts.c.id,
        occurred_at=consent_facts.c.latest,
        channel=consent_facts.c.channel,
        text=consent_facts.c.purpose.concat(" ").concat(_granted),
    )
).select_from(identities.join(consent_facts, consent_facts.c.identity_id == identities.c.id))
_SELECTS: Mapping[InteractionKind, sa.Select[Any]] = {
    InteractionKind.ORDER: _ORDERS,
    InteractionKind.PICKUP: _PICKUPS,
    InteractionKind.CART: _CARTS,
    InteractionKind.SERVICE_CONTACT: _INTERACTIONS[0],
    InteractionKind.STORE_VISIT: _INTERACTIONS[1],
    InteractionKind.LOYALTY: _LOYALTY,
    InteractionKind.CONSENT: _CONSENTS,
    InteractionKind.NOTE: _INTERACTIONS[2],
}
_SUMMARIES: Mapping[InteractionKind, str] = {
    InteractionKind.ORDER: "Order {}",
    InteractionKind.PICKUP: "Order {} collected",
    InteractionKind.CART: "Cart, {}",
    InteractionKind.CONSENT: "Consent: {}",
}


def list_timelines(
    customer_ids: Sequence[str],
    kinds: Collection[InteractionKind],
    channels: Sequence[str] | None,
    mapped: MappedLocations,
    *,
    proved: bool,
) -> Rows[Interaction]:
    """List what happened to each of many customers, newest first.

    Each select of the union has the condition on the customers: SQLite does not move it there, and would read what
    happened to all customers.

    Args:
        customer_ids: those whose pages are read.
        kinds: none: all.
        channels: what happened in these channels, or in none; None: in any.
        proved: only what the customer sees: what is public, of the identities that the login proves (rule C7).
    """
    owner = identities.c.proved_id if proved else identities.c.customer_id
    is_owner = owner.in_(customer_ids)
    chosen = [select.where(is_owner) for kind, select in _SELECTS.items() if not kinds or kind in kinds]
    timeline = sa.union_all(*chosen).subquery("timeline")
    statement = sa.select(timeline)
    if channels is not None:
        seen = sa.or_(timeline.c.channel.is_(None), timeline.c.channel.in_(channels))
        statement = statement.where(seen)
    if proved:
        statement = statement.where(timeline.c.public)
    sort = Sort(timeline.c.occurred_at, timeline.c.id, descending=True)
    parent = timeline.c.proved_id if proved else timeline.c.customer_id
    return Rows(statement, sort, _make_reader(mapped), parent=parent)


def find_interactions(
    conn: Connection, ids: Collection[str], mapped: MappedLocations
) -> Mapping[str, tuple[Interaction, str, str]]:
    """Find interactions by kind and row ID, with the customer that each belongs to today, and by proof."""
    kinds = {kind for kind in InteractionKind if any(id_.startswith(f"{kind.value}:") for id_ in ids)}
    if not kinds:
        return {}
    timeline = sa.union_all(*(_SELECTS[kind] for kind in InteractionKind if kind in kinds)).subquery("timeline")
    row_ids = [id_.partition(":")[2] for id_ in ids]
    rows = conn.execute(sa.select(timeline).where(is_among(conn, timeline.c.row_id, row_ids)))
    read = _make_reader(mapped)
    return {row.id: (read(row), row.customer_id, row.proved_id) for row in rows if row.id in ids}


def _make_reader(mapped: MappedLocations) -> Callable[[sa.Row[Any]], Interaction]:
    def read(row: sa.Row[Any]) -> Interaction:
        kind = InteractionKind(row.kind)
        sold_at = None if row.place is None else mapped.get((row.channel, row.place))
        return Interaction(
            id=row.id,
            kind=kind,
            occurred_at=row.occurred_at,
            channel_key=row.channel,
            location_key=row.location or sold_at,
            summary=_SUMMARIES.get(kind, "{}").format(_describe(kind, row.text)),
            public=bool(row.public),
            by=row.actor,
            subject_id=row.subject_id,
        )

    return read


def _describe(kind: InteractionKind, text: str) -> str:
    in_words = kind in (InteractionKind.CART, InteractionKind.CONSENT)
    return text.replace("_", " ").lower() if in_words else text
