"""Where the database names channels: every column and every JSON value with the key of a channel."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import dump_json
from gateway.storage.tables import (
    Text,
    api_tokens,
    audit_entries,
    bought_together,
    budgets,
    carts,
    category_channels,
    category_path_channels,
    changes,
    channel_currencies,
    channel_orders,
    channel_products,
    channels,
    collection_members,
    collections,
    consent_facts,
    customers,
    data_request_parts,
    data_requests,
    former_collection_handles,
    fulfillments,
    id_namespaces,
    idempotency,
    identities,
    inbox,
    interactions,
    leases,
    links,
    listings,
    location_authorities,
    loyalty_entries,
    loyalty_facts,
    offers,
    order_events,
    order_lines,
    orders,
    outbox,
    passes,
    payments,
    product_reviews,
    products,
    pushes,
    rankings,
    rejects,
    reservations,
    sold_units,
    sources,
    stock,
    variants,
)

COLUMNS = (
    api_tokens.c.channel,
    audit_entries.c.channel,
    bought_together.c.channel,
    budgets.c.channel,
    carts.c.channel,
    category_channels.c.channel,
    category_path_channels.c.channel,
    channel_currencies.c.channel,
    channel_orders.c.channel,
    channel_products.c.channel,
    channels.c.key,
    collection_members.c.channel,
    collections.c.channel,
    consent_facts.c.channel,
    data_request_parts.c.channel,
    former_collection_handles.c.channel,
    fulfillments.c.channel,
    id_namespaces.c.channel,
    identities.c.channel,
    inbox.c.channel,
    interactions.c.channel,
    links.c.channel,
    links.c.to_channel,
    listings.c.channel,
    location_authorities.c.channel,
    loyalty_entries.c.channel,
    loyalty_facts.c.channel,
    offers.c.channel,
    order_events.c.channel,
    order_lines.c.channel,
    orders.c.channel,
    orders.c.customer_channel,
    outbox.c.channel,
    passes.c.channel,
    payments.c.channel,
    product_reviews.c.channel,
    pushes.c.channel,
    rejects.c.channel,
    reservations.c.channel,
    reservations.c.order_channel,
    sources.c.channel,
    sold_units.c.channel,
    stock.c.channel,
)
"""Columns whose value is the key of a channel, or null."""

PREFIXES: Mapping[sa.Column[Any], Sequence[str]] = {
    data_requests.c.requested_by: ["channel:{}"],
    identities.c.channel: ["guest:{}"],
    orders.c.customer_channel: ["guest:{}"],
    loyalty_facts.c.key: ["{}/"],
    loyalty_facts.c.origin: ["{}/", "?{}/"],
    loyalty_entries.c.key: ["{}/"],
}
"""Columns whose value can begin with such a text, which contains the key of a channel."""

REFERENCES = (products.c.handle_channel, products.c.media_channel, variants.c.media_channel)
"""Columns of rows that are not data of the channel whose key they have."""

DERIVED = (rankings, leases)
"""Tables whose rows are only valid for the former key: they are deleted."""


def _rename_in_list(keys: list[Any], old: str, new: str) -> list[Any]:
    return [new if key == old else key for key in keys]


def _rename_in_contacts(contacts: list[Any], old: str, new: str) -> list[Any]:
    return [[*contact[:3], _rename_in_list(contact[3], old, new)] for contact in contacts]


def _rename_in_subjects(subjects: list[Any], old: str, new: str) -> list[Any]:
    return [[new if id_ == old else id_, version] for id_, version in subjects]


def _rename_in_references(references: list[Any], old: str, new: str) -> list[Any]:
    return [[new if name == old else name, *rest] for name, *rest in references]


def _rename_in_field_sources(sources: list[Any], old: str, new: str) -> list[Any]:
    return [[field, key, new if channel == old else channel] for field, key, channel in sources]


def _rename_in_result(result: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Rename the channel in the result of a mutation: it may be its subject, or that of an error."""
    subject = new if result["subject"] == old else result["subject"]
    errors = [
        {**error, "channel_key": new if error["channel_key"] == old else error["channel_key"]}
        for error in result["user_errors"]
    ]
    return {**result, "subject": subject, "user_errors": errors}


DOCUMENTS: Mapping[sa.Column[Any], Callable[[Any, str, str], Any]] = {
    api_tokens.c.channels: _rename_in_list,
    changes.c.subjects: _rename_in_subjects,
    customers.c.channels: _rename_in_list,
    customers.c.emails: _rename_in_contacts,
    customers.c.phones: _rename_in_contacts,
    identities.c.emails: _rename_in_contacts,
    identities.c.phones: _rename_in_contacts,
    identities.c.external_references: _rename_in_references,
    idempotency.c.answer: _rename_in_result,
    products.c.field_sources: _rename_in_field_sources,
}
"""Columns of JSON values that may contain keys of channels, each with the function that renames one."""


def rename_channel(conn: Connection, old: str, new: str) -> None:
    """Rename a channel everywhere, except in the owners of reservations, and delete what is valid for one key only."""
    for table in DERIVED:
        conn.execute(sa.delete(table))
    for column in (*COLUMNS, *REFERENCES):
        conn.execute(sa.update(column.table).where(column == old).values({column.name: new}))
    for column, formats in PREFIXES.items():
        for text in formats:
            _rename_prefix(conn, column, text.format(old), text.format(new))
    is_channel = audit_entries.c.subject_type == "Channel"
    subject = audit_entries.c.subject_id
    conn.execute(sa.update(audit_entries).where(is_channel, subject == old).values(subject_id=new))
    for column, rename in DOCUMENTS.items():
        _rename_in_documents(conn, column, rename, old, new)


def _rename_prefix(conn: Connection, column: sa.Column[Any], old: str, new: str) -> None:
    rest = sa.func.substr(column, len(old) + 1)
    renamed = sa.update(column.table).where(column.startswith(old, autoescape=True))
    conn.execute(renamed.values({column.name: sa.literal(new, Text).concat(rest)}))


def _rename_in_documents(
    conn: Connection, column: sa.Column[Any], rename: Callable[[Any, str, str], Any], old: str, new: str
) -> None:
    """Rename a channel in the JSON values that contain its key."""
    table = column.table
    key = sa.tuple_(*table.primary_key.columns)
    named = column.contains(json.dumps(old), autoescape=True)
    for *values, text in conn.execute(sa.select(*table.primary_key.columns, column).where(named)).all():
        renamed = dump_json(rename(json.loads(text), old, new))
        conn.execute(sa.update(table).where(key == sa.tuple_(*values)).values({column.name: renamed}))


def rename_owners(conn: Connection, owners: Mapping[str, str], prefixes: Mapping[str, str]) -> None:
    """Rename owners of reservations, and prefixes of owners."""
    owner = reservations.c.owner
    for old, new in owners.items():
        conn.execute(sa.update(reservations).where(owner == old).values(owner=new))
    for old, new in prefixes.items():
        _rename_prefix(conn, owner, old, new)


def list_tables_with(conn: Connection, key: str) -> list[str]:
    """List the tables that have data of a channel. The row that only says that it is configured does not count."""
    tables = dict.fromkeys(column.table.name for column in COLUMNS if column.table is not channels)
    named: dict[str, list[sa.ColumnElement[bool]]] = {column.table.name: [] for column in COLUMNS}
    for column in COLUMNS:
        named[column.table.name].append(column == key)
    return [name for name in tables if _has_rows(conn, named[name])]


def _has_rows(conn: Connection, conditions: list[sa.ColumnElement[bool]]) -> bool:
    return conn.execute(sa.select(sa.literal(1)).where(sa.or_(*conditions)).limit(1)).first() is not None


def delete_channel(conn: Connection, key: str) -> None:
    """Delete the row that says that the channel is, or was, configured."""
    conn.execute(sa.delete(channels).where(channels.c.key == key))
