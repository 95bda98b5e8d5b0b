"""Reads of loyalty accounts, by the customers that they belong to (rule Y1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.loyalty import LoyaltyEntry, LoyaltyEntryKind, LoyaltyOwner, LoyaltyOwnerKind
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.sql.keyset import Rows, Sort
from gateway.storage.tables import Text, identities, loyalty_accounts, loyalty_entries, loyalty_facts
from gateway.storage.writes.customers.loyalty import AccountRow


class Holder(NamedTuple):
    """An identity, as far as its account needs it."""

    id: str
    home: str
    loyalty_number: str | None


_columns = [loyalty_accounts.c[field.name] for field in fields(AccountRow)]
_joined = loyalty_accounts.join(identities, identities.c.id == loyalty_accounts.c.identity_id)
_accounts = BulkSelect(
    sa.select(identities.c.customer_id.label("owner_id"), *_columns).select_from(_joined), identities.c.customer_id
)
_proved_accounts = BulkSelect(
    sa.select(identities.c.proved_id.label("owner_id"), *_columns).select_from(_joined), identities.c.proved_id
)


def find_accounts(
    conn: Connection, customer_ids: Collection[str], *, proved: bool = False
) -> dict[str, list[AccountRow]]:
    """Find the accounts of customers, the oldest first. `proved`: of what a shopper is proved to be."""
    found: dict[str, list[AccountRow]] = defaultdict(list)
    for row in (_proved_accounts if proved else _accounts).select(conn, customer_ids):
        values = row._asdict()
        found[values.pop("owner_id")].append(AccountRow(**values))
    return {id_: sorted(rows, key=lambda row: (row.created_at, row.id)) for id_, rows in found.items()}


def find_related_accounts(conn: Connection, account_id: str) -> list[AccountRow]:
    """Find all accounts of the customer of an account."""
    owner = sa.select(identities.c.customer_id).select_from(_joined).where(loyalty_accounts.c.id == account_id)
    customer_id = conn.scalar(owner)
    if customer_id is not None:
        return find_accounts(conn, [customer_id]).get(customer_id, [])
    own = sa.select(*_columns).where(loyalty_accounts.c.id == account_id)
    return [AccountRow(**row._asdict()) for row in conn.execute(own)]


def find_accounts_of_home(conn: Connection, home: str, *, proved: bool = False) -> list[AccountRow]:
    """Find the accounts of the customer who has the identity with this home by now."""
    owner = identities.c.proved_id if proved else identities.c.customer_id
    owner_id = conn.scalar(sa.select(owner).where(_has_home(home)).limit(1))
    return [] if owner_id is None else find_accounts(conn, [owner_id], proved=proved).get(owner_id, [])


def find_accounts_by_id(conn: Connection, ids: Collection[str]) -> list[AccountRow]:
    """Find accounts, without locking them."""
    return [AccountRow(**row._asdict()) for row in _by_id.select(conn, ids)]


_by_id = BulkSelect(sa.select(*_columns), loyalty_accounts.c.id)


def sum_balances(conn: Connection, identity_ids: Collection[str]) -> int:
    """Add up the points of identities that can be spent now."""
    return sum(row.balance - row.held for row in _balances.select(conn, identity_ids))


_balances = BulkSelect(sa.select(loyalty_accounts.c.balance, loyalty_accounts.c.held), loyalty_accounts.c.identity_id)


def find_identity_of_home(conn: Connection, home: str) -> Holder | None:
    """Find the identity with this home."""
    columns = sa.select(identities.c.id, identities.c.loyalty_number)
    row = conn.execute(columns.where(_has_home(home)).limit(1)).first()
    return None if row is None else Holder(row.id, home, row.loyalty_number)


def _has_home(home: str) -> sa.ColumnElement[bool]:
    """Identities that an earlier version inserted have none, and are customers of their own."""
    is_older = sa.and_(identities.c.home.is_(None), identities.c.customer_id == home)
    return sa.or_(identities.c.home == home, is_older)


def find_last_entry(conn: Connection, key: str) -> str | None:
    """Find the last entry of a fact; None: nothing was posted of it."""
    entries = loyalty_entries.c
    of_fact = sa.select(entries.id).where(entries.key == key, ~entries.expiry)
    return conn.scalar(of_fact.order_by(entries.posted_at.desc(), entries.number.desc()).limit(1))


def is_same_customer(conn: Connection, home: str, other_home: str) -> bool:
    """Whether the identities with these homes are proved to be one customer."""
    proved = sa.select(identities.c.proved_id)
    ids = [conn.scalar(proved.where(_has_home(one)).limit(1)) for one in (home, other_home)]
    return home == other_home or (ids[0] is not None and ids[0] == ids[1])


# ------------------------------------------------------------------------------------------------ of owners


_owners = BulkSelect(
    sa.select(loyalty_accounts.c.id, identities.c.customer_id).select_from(
        loyalty_accounts.outerjoin(identities, identities.c.id == loyalty_accounts.c.identity_id)
    ),
    loyalty_accounts.c.id,
)


def find_owners_of_accounts(conn: Connection, ids: Sequence[str]) -> Mapping[str, LoyaltyOwner]:
    """Find to whom accounts belong."""
    owners = {id_: LoyaltyOwner(LoyaltyOwnerKind.ACCOUNT, id_) for id_ in ids}
    for row in _owners.select(conn, ids):
        if row.customer_id is not None:
            owners[row.id] = LoyaltyOwner(LoyaltyOwnerKind.CUSTOMER, row.customer_id)
    return owners


def find_accounts_of_owners(
    conn: Connection, owners: Sequence[LoyaltyOwner]
) -> Mapping[LoyaltyOwner, list[AccountRow]]:
    """Find the accounts of owners, the oldest first."""
    rows: dict[LoyaltyOwner, list[AccountRow]] = {}
    for kind in LoyaltyOwnerKind:
        ids = [owner.id for owner in owners if owner.kind is kind]
        if kind is LoyaltyOwnerKind.ACCOUNT:
            groups = {row.id: [row] for row in find_accounts_by_id(conn, ids)}
        else:
            groups = find_accounts(conn, ids, proved=kind is LoyaltyOwnerKind.PROVED)
        rows |= {LoyaltyOwner(kind, id_): group for id_, group in groups.items()}
    return rows


# ------------------------------------------------------------------------------------------------ entries


_entries = BulkSelect(sa.select(loyalty_entries), loyalty_entries.c.id)


def find_entries(conn: Connection, ids: Sequence[str]) -> Mapping[str, LoyaltyEntry]:
    """Find entries by id."""
    return {row.id: read_entry(row) for row in _entries.select(conn, ids)}


def list_entries(kind: LoyaltyOwnerKind) -> Rows[LoyaltyEntry]:
    """List the entries of each of many owners of this kind, newest first."""
    parents = {
        LoyaltyOwnerKind.CUSTOMER: identities.c.customer_id,
        LoyaltyOwnerKind.PROVED: identities.c.proved_id,
        LoyaltyOwnerKind.ACCOUNT: loyalty_entries.c.account_id,
    }
    statement = sa.select(*loyalty_entries.c)
    if kind is not LoyaltyOwnerKind.ACCOUNT:
        joined = loyalty_entries.join(loyalty_accounts, loyalty_accounts.c.id == loyalty_entries.c.account_id)
        joined = joined.join(identities, identities.c.id == loyalty_accounts.c.identity_id)
        statement = statement.select_from(joined)
    sort = Sort(loyalty_entries.c.occurred_at, loyalty_entries.c.id, descending=True)
    return Rows(statement, sort, read_entry, parent=parents[kind])


def read_entry(row: sa.Row[Any]) -> LoyaltyEntry:
    """Read a row of `loyalty_entries`."""
    return LoyaltyEntry(
        id=row.id,
        account_id=row.account_id,
        kind=LoyaltyEntryKind(row.kind),
        points=row.points,
        reason=row.reason,
        occurred_at=row.occurred_at,
        source_key=row.key,
        channel_key=row.channel,
        location_key=row.location,
        source_order_id=row.order_id,
        pending_until=row.pending_until,
        expires_at=row.expires_at,
    )


# ------------------------------------------------------------------------------------------------ of channels


class ShownCard(NamedTuple):
    """A card of a customer of a channel, with the points that the channel shows; None: none."""

    channel: str
    external_id: str
    number: str
    points: int | None


class PointsCard(NamedTuple):
    """A card with the points that a channel shows."""

    number: str
    points: int


_card_columns = (
    identities.c.channel,
    identities.c.external_id,
    identities.c.loyalty_number,
    identities.c.loyalty_points,
)
_cards = BulkSelect(sa.select(*_card_columns).where(~identities.c.gone), identities.c.loyalty_number)


def find_shown_cards(conn: Connection, numbers: Collection[str], channels: Sequence[str]) -> list[ShownCard]:
    """Find the cards with these numbers in channels."""
    return [ShownCard(*row) for row in _cards.select(conn, numbers) if row.channel in channels]


def find_unopened_cards(conn: Connection, channel: str, limit: int) -> list[PointsCard]:
    """Find cards for which a channel shows points that were not taken over."""
    key = sa.literal(f"opening/{channel}/", Text) + identities.c.loyalty_number
    cards = sa.select(identities.c.loyalty_number, identities.c.loyalty_points).where(
        identities.c.channel == channel,
        identities.c.loyalty_number.is_not(None),
        identities.c.loyalty_points != 0,
        ~identities.c.gone,
        ~sa.exists().where(loyalty_facts.c.key == key),
    )
    return [PointsCard(*row) for row in conn.execute(cards.order_by(identities.c.id).limit(limit))]
