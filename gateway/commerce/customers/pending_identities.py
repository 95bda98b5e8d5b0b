"""Identities that wait to be recognized.

A guest with the same contact as one that is recognized is the same for recognition (rule C9), so it shares that one's
customer: a contact under which a shop orders for others has thousands of guests, and only one of them is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.customer_rows import rebuild_customers
from gateway.commerce.customers.guests import read_guest
from gateway.commerce.customers.regrouping import build_shared_links, regroup
from gateway.model.customers.profiles import ACCOUNT, GUEST
from gateway.storage.database import Connection
from gateway.storage.writes import orders
from gateway.storage.writes.customers import decisions, evidence, identities
from gateway.storage.writes.customers.identities import IdentityRow

Rows = Mapping[str, IdentityRow]


def recognize_identities(conn: Connection, ids: Collection[str], config: CustomerConfig, now: datetime) -> int:
    """Recognize these identities. Returns how many there are."""
    evidence.lock_recognition(conn)
    rows = _read_identities(conn, ids, config)
    identities.store_identities(conn, rows.values())  # also the home of one that an earlier version has inserted
    identities.release_twins(conn, rows, now)
    followers = _select_followers(conn, rows)
    regroup(conn, [id_ for id_ in rows if id_ not in followers], config, now)
    _share_customers(conn, followers, config, now)
    return len(ids)


def set_aside(conn: Connection, id_: str) -> int:
    """Let an identity wait no longer. It is recognized when its data changes."""
    rows = identities.lock_identities(conn, [id_])
    identities.update_derived(conn, [replace(row, pending_since=None) for row in rows.values()])
    return len(rows)


def _read_identities(conn: Connection, ids: Collection[str], config: CustomerConfig) -> Rows:
    """Read identities, locked behind the orders of guests: as what stores orders locks them."""
    guests = [row.external_id for row in identities.find_identities(conn, ids).values() if _is_guest(row)]
    stored, rows = orders.lock_orders(conn, guests), identities.lock_identities(conn, ids)
    complete: dict[str, IdentityRow] = {}
    for id_, row in rows.items():
        if _is_guest(row) and row.external_id in stored:
            row = read_guest(row, stored[row.external_id], config)
        elif not row.channel.startswith((GUEST, ACCOUNT)):
            row = replace(row, has_login=row.channel in config.login_channels)
        complete[id_] = replace(row, twin_id=None)
    return complete


def _is_guest(row: IdentityRow) -> bool:
    return row.channel.startswith(GUEST)


def _select_followers(conn: Connection, rows: Rows) -> Rows:
    """Select the guests that can share the customer of an older one with the same contact, of these or a recognized
    one. Those that are recognized themselves already, or that people have decided about, are not among them.
    """
    guests = {id_: row for id_, row in rows.items() if row.contact_key is not None and not row.gone}
    own = {row.identity_id for row in evidence.find_evidence(conn, guests)} | _find_decided(conn, guests)
    leaders = {row.contact_key: row for row in sorted(guests.values(), key=_get_age, reverse=True)}
    known = _find_twins(conn, guests)
    return {
        id_: row
        for id_, row in guests.items()
        if id_ not in own and _is_older(known.get(row.contact_key or "") or leaders[row.contact_key], row)
    }


def _is_older(row: IdentityRow, than: IdentityRow) -> bool:
    return _get_age(row) < _get_age(than)


def _get_age(row: IdentityRow) -> tuple[datetime, str]:
    return row.linked_at, row.id


def _find_twins(conn: Connection, guests: Rows) -> Rows:
    """Find the oldest recognized guest with the contact of these, by contact. There is none for a contact whose guests
    people have decided about: they may be different customers.
    """
    keys = {row.contact_key for row in guests.values() if row.contact_key is not None}
    recognized = identities.find_recognized_guests(conn, keys)
    decided = _find_decided(conn, [row.id for row in recognized])
    doubtful = {row.contact_key for row in recognized if row.id in decided}
    twins = sorted(recognized, key=_get_age, reverse=True)
    return {row.contact_key: row for row in twins if row.contact_key is not None and row.contact_key not in doubtful}


def _find_decided(conn: Connection, ids: Collection[str]) -> set[str]:
    """Find those of these identities that standing decisions name."""
    standing = [row for row in decisions.find_decisions(conn, ids) if row.undone_at is None]
    return {id_ for row in standing for id_ in decisions.list_members(row)} & set(ids)


def _share_customers(conn: Connection, followers: Rows, config: CustomerConfig, now: datetime) -> None:
    """Give guests the customer of their twin. Where there is none in the end, they are recognized themselves."""
    twins = _find_twins(conn, followers)
    shared, alone = [], []
    for row in followers.values():
        twin = twins.get(row.contact_key or "")
        if twin is None:
            alone.append(row.id)
        else:
            shared.append(_share_customer(row, twin, now))
    former = {row.customer_id for row in identities.lock_identities(conn, [row.id for row in shared]).values()}
    identities.update_derived(conn, sorted(shared, key=lambda row: row.id))
    rebuild_customers(conn, former | {row.customer_id for row in shared}, config, now)
    regroup(conn, alone, config, now)


def _share_customer(row: IdentityRow, twin: IdentityRow, now: datetime) -> IdentityRow:
    return replace(
        row,
        customer_id=twin.customer_id,
        proved_id=row.home,  # an equal contact proves nothing (rule C7)
        twin_id=twin.id,
        links=build_shared_links(twin.id, now),
        pending_since=None,
    )
