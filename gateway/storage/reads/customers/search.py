"""Search of customers: by contact, words, orders and consents, and by named segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.profiles import GUEST, Customer
from gateway.storage.reads.customers.profiles import read_customer
from gateway.storage.sql.bulk import dump_json
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.sql.text_search import Search, has_words
from gateway.storage.tables import (
    contacts,
    customer_consents,
    customer_review_members,
    customer_reviews,
    customers,
    identities,
    loyalty_accounts,
    order_lines,
    orders,
    spendings,
)


class SeveralCurrenciesError(Exception):
    """Amounts in several currencies cannot be compared."""


class CountRange(NamedTuple):
    """A range of counts. None: open."""

    least: int | None
    most: int | None


class AmountRange(NamedTuple):
    """A range of amounts in minor units of a currency. None: open."""

    least: int | None
    most: int | None
    currency: str


class TierCondition(NamedTuple):
    """Tiers of the loyalty program, from the lowest to the highest, those that match, and the time."""

    tiers: tuple[str, ...]
    chosen: tuple[str, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerQuery:
    """Filters and sort order of customers.

    Attributes:
        channels: the customer has a record in one of them.
        visible_channels: the customer has a record in one of them; None: the caller sees all channels.
        contacts: (kind, value) pairs as stored in `contacts`; the customer has all of them.
        tags: the customer has one of them.
        consent: a purpose that the customer allows.
        mix: STORE_ONLY, ONLINE_ONLY or BOTH: in what kind of channels the customer has ordered.
        spent: the total of the customer's orders in one currency.
        orders: the number of the customer's orders.
        shops: external locations (channel, id); the customer has bought at one of them.
        skus: normalized by `validation.normalize_sku`; the customer has bought one of them.
        tier: the customer's tier of the loyalty program; balance: the points that can be spent.
        segment: conditions that hold as well.
        sort: NAME, CREATED_AT, UPDATED_AT, LAST_ORDER_AT, LIFETIME_VALUE, ORDER_COUNT or LOYALTY_BALANCE.
    """

    search: Search | None = None
    channels: tuple[str, ...] | None = None
    visible_channels: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    consent: str | None = None
    contacts: tuple[tuple[str, str], ...] = ()
    loyalty_number: str | None = None
    updated_since: datetime | None = None
    mix: str | None = None
    spent: AmountRange | None = None
    orders: CountRange | None = None
    first_order_since: datetime | None = None
    last_order_since: datetime | None = None
    last_order_before: datetime | None = None
    shops: tuple[tuple[str, str], ...] | None = None
    skus: tuple[str, ...] | None = None
    has_open_review: bool | None = None
    has_login: bool | None = None
    tier: TierCondition | None = None
    balance: CountRange | None = None
    segment: CustomerQuery | None = None
    sort: str = "NAME"
    descending: bool = True


def search_customers(query: CustomerQuery, currency: str | None = None) -> Rows[Customer]:
    """Search the customers of a query. `currency`: the one in which LIFETIME_VALUE is compared."""
    statement = sa.select(customers).where(customers.c.visible, *_build_conditions(query, _is_common))
    sort = Sort(
        _build_columns()[query.sort], customers.c.id, descending=query.descending, nulls=query.sort in _NULLABLE
    )
    if query.sort == "LIFETIME_VALUE":
        spent = sa.and_(spendings.c.customer_id == customers.c.id, spendings.c.currency == currency)
        statement = statement.join(spendings, spent, isouter=True)
    if query.sort == "LOYALTY_BALANCE":
        statement = statement.join(_balances, _balances.c.customer_id == customers.c.id, isouter=True)
    return Rows(statement, sort, read_customer)


_NULLABLE = ("LAST_ORDER_AT", "LIFETIME_VALUE", "ORDER_COUNT", "LOYALTY_BALANCE")


def _build_columns() -> Mapping[str, sa.ColumnElement[Any]]:
    return {
        "NAME": customers.c.sort_name,
        "CREATED_AT": customers.c.created_at,
        "UPDATED_AT": customers.c.updated_at,
        "LAST_ORDER_AT": customers.c.last_order_at,
        "LIFETIME_VALUE": spendings.c.total,
        "ORDER_COUNT": customers.c.order_count,
        "LOYALTY_BALANCE": _balances.c.balance,
    }


class Membership(NamedTuple):
    """A condition that the customer is one of those whose IDs a statement selects.

    Attributes:
        is_common: whether many customers usually are.
        is_met: False: that the customer is none of them.
    """

    ids: sa.Select[Any]
    is_common: bool = False
    is_met: bool = True

    def build_condition(self, *, one_by_one: bool) -> sa.ColumnElement[bool]:
        """Build the condition. `one_by_one`: looks up each customer that is read, instead of reading all IDs first."""
        matches = self._look_up() if one_by_one else customers.c.id.in_(self.ids)
        return matches if self.is_met else ~matches

    def _look_up(self) -> sa.ColumnElement[bool]:
        (owner,) = self.ids.selected_columns
        return self.ids.where(owner == customers.c.id).correlate(customers).exists()


def _is_common(membership: Membership) -> bool:
    """Whether the first pages of a list have members of it, so that all of them need not be read and sorted."""
    return membership.is_common


def _build_conditions(
    query: CustomerQuery, one_by_one: Callable[[Membership], bool]
) -> Iterator[sa.ColumnElement[bool]]:
    """Build the conditions of a query. `one_by_one`: for which memberships to look up each customer."""
    if query.search is not None:
        yield has_words("customer", customers.c.id, query.search.words)
    if query.channels is not None:
        yield _is_in(query.channels, one_by_one)
    if query.updated_since is not None:
        yield customers.c.updated_at >= query.updated_since
    if query.has_login is not None:
        yield customers.c.has_login.is_(True) if query.has_login else customers.c.has_login.is_not(True)
    yield from _build_order_conditions(query)
    for membership in (*_list_memberships(query), *_list_order_memberships(query), *_list_loyalty_memberships(query)):
        yield membership.build_condition(one_by_one=one_by_one(membership))
    if query.segment is not None:
        yield from _build_conditions(query.segment, one_by_one)


def _list_memberships(query: CustomerQuery) -> Iterator[Membership]:
    """List those of records, contacts, consents and reviews."""
    if query.visible_channels is not None:
        yield _has_record_in(query.visible_channels)
    for kind, value in query.contacts:
        yield _has_contact(kind, [value])
    if query.tags is not None:
        yield _has_contact("tag", query.tags)
    if query.loyalty_number is not None:
        known = sa.select(identities.c.customer_id).where(~identities.c.gone)
        yield Membership(known.where(identities.c.loyalty_number == query.loyalty_number))
    if query.consent is not None:
        granted = sa.select(customer_consents.c.customer_id).where(customer_consents.c.purpose == query.consent)
        yield Membership(granted, is_common=True)
    if query.has_open_review is not None:
        yield Membership(_REVIEWED, is_met=query.has_open_review)


def _build_order_conditions(query: CustomerQuery) -> list[sa.ColumnElement[bool]]:
    """Build the conditions about the numbers and times of orders."""
    conditions = []
    if query.mix is not None:
        conditions.append(_MIXES[query.mix])
    if query.orders is not None:
        conditions += _limit(sa.func.coalesce(customers.c.order_count, 0), *query.orders)
    if query.first_order_since is not None:
        conditions.append(customers.c.first_order_at >= query.first_order_since)
    if query.last_order_since is not None:
        conditions.append(customers.c.last_order_at >= query.last_order_since)
    if query.last_order_before is not None:
        conditions.append(customers.c.last_order_at < query.last_order_before)
    return conditions


def _list_order_memberships(query: CustomerQuery) -> Iterator[Membership]:
    """List those of what customers have spent and bought."""
    if query.spent is not None:
        yield _has_spent(query.spent)
    if query.shops is not None:
        yield _has_bought(sa.tuple_(orders.c.channel, orders.c.place).in_(query.shops))
    if query.skus is not None:
        sold = sa.select(order_lines.c.order_id).where(order_lines.c.sku_key.in_(query.skus))
        yield _has_bought(orders.c.id.in_(sold))


_in_stores = sa.func.coalesce(customers.c.store_order_count, 0)
_online = sa.func.coalesce(customers.c.order_count, 0) - _in_stores
_MIXES: Mapping[str, sa.ColumnElement[bool]] = {
    "STORE_ONLY": sa.and_(_in_stores > 0, _online == 0),
    "ONLINE_ONLY": sa.and_(_in_stores == 0, _online > 0),
    "BOTH": sa.and_(_in_stores > 0, _online > 0),
}


def _limit(column: sa.ColumnElement[Any], least: int | None, most: int | None) -> list[sa.ColumnElement[bool]]:
    lower = [] if least is None else [column >= least]
    return lower if most is None else [*lower, column <= most]


def _has_spent(spent: AmountRange) -> Membership:
    """Build the condition on the total of the orders in one currency. Who has none there matches from 0 on."""
    within = _limit(spendings.c.total, spent.least, spent.most)
    return Membership(sa.select(spendings.c.customer_id).where(spendings.c.currency == spent.currency, *within))


def _has_bought(condition: sa.ColumnElement[bool]) -> Membership:
    same = sa.and_(orders.c.customer_channel == identities.c.channel, orders.c.customer == identities.c.external_id)
    buyers = sa.select(identities.c.customer_id).join(orders, same)
    return Membership(buyers.where(condition, skip_index(orders.c.attached_to).is_(None)))


def _list_loyalty_memberships(query: CustomerQuery) -> Iterator[Membership]:
    """List those of points, summed over all accounts, and of the highest tier of any."""
    if query.balance is not None:
        yield Membership(_accounts.having(*_limit(_balance, *query.balance)))
    if query.tier is not None:
        ranks = {key: rank for rank, key in enumerate(query.tier.tiers)}
        rank = sa.func.max(sa.case(ranks, value=loyalty_accounts.c.tier, else_=-1))
        granted = _accounts.where(loyalty_accounts.c.tier_until > query.tier.now)
        yield Membership(granted.having(rank.in_([ranks[key] for key in query.tier.chosen])))


_accounts = (
    sa.select(identities.c.customer_id)
    .join(loyalty_accounts, loyalty_accounts.c.identity_id == identities.c.id)
    .group_by(identities.c.customer_id)
)
_balance = sa.cast(sa.func.sum(loyalty_accounts.c.balance - loyalty_accounts.c.held), sa.BigInteger())
_balances = _accounts.add_columns(_balance.label("balance")).subquery()
_REVIEWED = (
    sa.select(identities.c.customer_id)
    .join(customer_review_members, customer_review_members.c.identity_id == identities.c.id)
    .join(customer_reviews, customer_reviews.c.id == customer_review_members.c.review_id)
    .where(customer_reviews.c.state == "OPEN")
)


def _has_contact(kind: str, values: Sequence[str]) -> Membership:
    matching = sa.select(contacts.c.customer_id).where(contacts.c.kind == kind, contacts.c.value.in_(values))
    return Membership(matching)


def _has_record_in(channels: Sequence[str]) -> Membership:
    keys = [*channels, *(GUEST + key for key in channels)]
    known = sa.select(identities.c.customer_id).where(~identities.c.gone, skip_index(identities.c.channel).in_(keys))
    return Membership(known, is_common=True)


def _is_in(channels: Sequence[str], one_by_one: Callable[[Membership], bool]) -> sa.ColumnElement[bool]:
    """Build the condition that the customer has a record in these channels, by the channels in its row.

    Customers whose channels were not stored with this version are looked up: an earlier release, which can run beside
    this one, stores none. What a caller may see does not depend on them: see `visible_channels`.
    """
    record = _has_record_in(channels)
    listed = (customers.c.channels.like(_build_pattern(key), escape="/") for key in channels)
    is_current = customers.c.channels_version == customers.c.version
    looked_up = record.build_condition(one_by_one=one_by_one(record))
    return sa.case((is_current, sa.or_(sa.false(), *listed)), else_=looked_up)


def _build_pattern(key: str) -> str:
    """Build the pattern of a list with this channel; as one value, or PostgreSQL builds it again for each row."""
    escaped = dump_json(key).replace("/", "//").replace("%", "/%").replace("_", "/_")
    return f"%{escaped}%"


def find_spending_currency(conn: Connection) -> str | None:
    """Return the one currency in which customers have spent.

    Raises:
        SeveralCurrenciesError: there is more than one.
    """
    currencies = conn.scalars(sa.select(spendings.c.currency).distinct().limit(2)).all()
    if len(currencies) > 1:
        raise SeveralCurrenciesError
    return currencies[0] if currencies else None


def count_customers(conn: Connection, queries: Mapping[str, CustomerQuery]) -> Mapping[str, int]:
    """Count the customers of several queries, in one statement."""
    if not queries:
        return {}
    counts = [
        sa.select(sa.literal(key).label("key"), sa.func.count().label("number"))
        .select_from(customers)
        .with_hint(customers, "INDEXED BY ix_customers_counted", "sqlite")  # or it reads the rows themselves
        .where(customers.c.visible, *_build_conditions(query, lambda _: False))
        for key, query in queries.items()
    ]
    return {row.key: row.number for row in conn.execute(sa.union_all(*counts))}


def find_segments(
    conn: Connection, customer_ids: Sequence[str], queries: Mapping[str, CustomerQuery]
) -> Mapping[str, Sequence[str]]:
    """Find the queries, by key, that each of these customers matches, in one statement."""
    found: dict[str, list[str]] = {id_: [] for id_ in customer_ids}
    if not queries:
        return found
    among = is_among(conn, customers.c.id, customer_ids)
    matches = [
        sa.select(sa.literal(key).label("key"), customers.c.id).where(among, *_build_conditions(query, lambda _: True))
        for key, query in queries.items()
    ]
    for row in conn.execute(sa.union_all(*matches)):
        found[row.id].append(row.key)
    return found
