"""Earning: what orders say about points becomes facts, and these are posted (rules Y2, Y3, Y4, Y8).

Reads orders as they are now, so it does not matter how often, or in which order, they are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.commerce.loyalty import order_facts, posting
from gateway.commerce.loyalty.accounts import build_account, open_accounts
from gateway.commerce.loyalty.multipliers import find_multiplier
from gateway.commerce.loyalty.posting import DEBIT, GIVE_BACK, HELD, HOLD, ORDER, POST, RELEASED, RETURN, SALE, SPENT
from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.model.customers.loyalty import EarnSource
from gateway.storage.database import Connection
from gateway.storage.reads.customers import loyalty_orders
from gateway.storage.reads.customers.loyalty_orders import EarningLine, EarningOrder
from gateway.storage.writes.customers import loyalty
from gateway.storage.writes.customers.loyalty import AccountRow, FactRow


@dataclass(slots=True)
class _Reading:
    """Orders as they are now, with what is known of them.

    Attributes:
        facts: by key, of orders; `posts`: by key, of posts.
        changed: facts to store; `account_ids`: accounts that they belong to, or belonged to.
    """

    orders: Mapping[str, EarningOrder]
    lines: Mapping[str, Sequence[EarningLine]]
    accounts: Mapping[str, AccountRow]
    facts: dict[str, FactRow]
    posts: Mapping[str, FactRow]
    program: LoyaltyProgram
    now: datetime
    changed: dict[str, FactRow] = field(default_factory=dict)
    account_ids: set[str] = field(default_factory=set)

    def store(self, fact: FactRow) -> None:
        former = self.facts.get(fact.key)
        post = self.posts.get(fact.key)
        if former == fact:
            return
        self.facts[fact.key] = self.changed[fact.key] = fact
        owners = (fact.account_id, former and former.account_id, post and post.account_id)
        self.account_ids |= {account_id for account_id in owners if account_id}


def post_orders(conn: Connection, order_ids: Collection[str], program: LoyaltyProgram, now: datetime) -> None:
    """Store what these orders say about points, and post it."""
    reading = _read_orders(conn, order_ids, program, now)
    if program.earn is EarnSource.ORDERS:
        for order in reading.orders.values():
            if order.reverses is None:
                _read_sale(conn, reading, order)
        for order in reading.orders.values():
            if order.reverses is not None:
                _read_return(conn, reading, order)
    _read_holds(conn, reading)
    loyalty.replace_facts(conn, list(reading.changed.values()))
    posting.post_accounts(conn, reading.account_ids, program, now)


def _read_orders(conn: Connection, order_ids: Collection[str], program: LoyaltyProgram, now: datetime) -> _Reading:
    orders = dict(sorted(loyalty_orders.find_earning_orders(conn, order_ids).items()))
    keys = [order_facts.build_receipt_key(order, program) for order in orders.values()]
    known = [*loyalty.find_facts(conn, keys), *loyalty.find_facts_of_orders(conn, order_ids)]
    rows = [
        build_account(order.loyalty_number, order.identity_id, order.home, now)
        for order in orders.values()
        if order.home is not None and order.reverses is None and order_facts.can_earn(order, program)
    ]
    return _Reading(
        orders=orders,
        lines=loyalty_orders.find_earning_lines(conn, order_ids),
        accounts=open_accounts(conn, rows if program.earn is EarnSource.ORDERS else [], program, now),
        facts={row.key: row for row in known if row.source != POST},
        posts={row.key: row for row in known if row.source == POST},
        program=program,
        now=now,
    )


def _read_sale(conn: Connection, reading: _Reading, order: EarningOrder) -> None:
    key = order_facts.build_receipt_key(order, reading.program)
    former = reading.facts.get(key)
    order = _choose_record(conn, reading, order, former)
    minor = order_facts.compute_earning_minor(order, reading.lines.get(order.id, ()))
    if former is None and (minor <= 0 or not order_facts.can_earn(order, reading.program)):
        return
    account_id = _choose_account(reading, order, key, former)
    if account_id is None:
        return
    is_frozen = former is not None and former.rate is not None
    currency = former.currency if former is not None and is_frozen else order.currency
    fact = FactRow(
        key=key,
        source=ORDER,
        kind=SALE,
        account_id=account_id,
        identity_id=order.identity_id,
        order_id=order.id,
        channel=order.channel,
        location=reading.program.location_keys.get((order.channel, order.place or "")),
        occurred_at=order.placed_at,
        minor=0 if order.is_copy or order.currency != currency else minor,
        currency=currency,
        rate=former.rate if former else str(reading.program.rates[order.currency or ""]),
        multiplier=former.multiplier if former else find_multiplier(conn, account_id, reading.program, order.placed_at),
        reason=f"Purchase {order.number}",
        created_at=former.created_at if former else reading.now,
    )
    reading.store(fact)
    _attach_returns(conn, reading, order, fact)


def _choose_record(conn: Connection, reading: _Reading, order: EarningOrder, former: FactRow | None) -> EarningOrder:
    """Of several records of one receipt, choose the same one whichever is looked at: the last that is not void."""
    if former is None or former.order_id in (None, order.id):
        return order
    other = loyalty_orders.find_earning_orders(conn, [former.order_id]).get(former.order_id)
    if other is None or _rank_record(other) < _rank_record(order):
        return order
    reading.lines = {**reading.lines, **loyalty_orders.find_earning_lines(conn, [other.id])}
    return other


def _rank_record(order: EarningOrder) -> tuple[bool, bool, str]:
    return not order.is_copy, order.status not in order_facts.VOID_STATUSES, order.id


def _choose_account(reading: _Reading, order: EarningOrder, key: str, former: FactRow | None) -> str | None:
    """Choose the account of a purchase. It stays, unless the purchase is another customer's by now (rule Y1)."""
    if former is not None and former.account_id and former.identity_id == order.identity_id:
        return former.account_id
    if order.home is not None:
        row = build_account(order.loyalty_number, order.identity_id, order.home, reading.now)
        account = reading.accounts.get(row.key)
        if account is not None:
            return account.id
    post = reading.posts.get(key)
    if post is not None:
        return post.account_id
    return None if former is None else former.account_id


def _attach_returns(conn: Connection, reading: _Reading, order: EarningOrder, sale: FactRow) -> None:
    """Give the returns of a purchase its account. Those that waited for it are attached to it (rule S6)."""
    waiting = order_facts.build_waiting_key(order.channel, order.external_id)
    for row in loyalty.find_facts_by_origin(conn, [waiting, sale.key]):
        if row.kind == RETURN:
            known = reading.facts.setdefault(row.key, row)
            reading.store(replace(known, origin=sale.key, account_id=sale.account_id))


def _read_return(conn: Connection, reading: _Reading, order: EarningOrder) -> None:
    """Store a return that has a record of its own. Its purchase may be known already, or arrive later."""
    key = order_facts.build_receipt_key(order, reading.program)
    former = reading.facts.get(key)
    minor = order_facts.compute_returned_minor(order, reading.lines.get(order.id, ()))
    if former is None and (minor <= 0 or order.is_copy):
        return
    sale = _find_sale(conn, reading, order)
    reading.store(
        FactRow(
            key=key,
            source=ORDER,
            kind=RETURN,
            account_id=None if sale is None else sale.account_id,
            identity_id=order.identity_id,
            origin=order_facts.build_waiting_key(order.channel, order.reverses or "") if sale is None else sale.key,
            order_id=order.id,
            channel=order.channel,
            location=reading.program.location_keys.get((order.channel, order.place or "")),
            occurred_at=order.placed_at,
            minor=0 if order.is_copy else minor,
            currency=order.currency,
            reason=f"Return {order.number}",
            created_at=former.created_at if former else reading.now,
        )
    )


def _find_sale(conn: Connection, reading: _Reading, order: EarningOrder) -> FactRow | None:
    originals = loyalty_orders.find_orders_by_ref(conn, order.channel, [order.reverses or ""])
    if not originals:
        return None
    (original,) = originals.values()
    key = order_facts.build_receipt_key(original, reading.program)
    if key not in reading.facts:
        reading.facts.update({row.key: row for row in loyalty.find_facts(conn, [key]) if row.source == ORDER})
    sale = reading.facts.get(key)
    return sale if sale is not None and sale.kind == SALE else None


# ------------------------------------------------------------------------------------------------ holds


def _read_holds(conn: Connection, reading: _Reading) -> None:
    """End the holds of orders by their state, and give points back in proportion to what was returned (rule Y8)."""
    holds = [row for row in reading.facts.values() if row.source == HOLD and row.kind == DEBIT]
    for hold in holds:
        order = reading.orders.get(hold.order_id or "")
        if order is None:
            continue
        lines = reading.lines.get(order.id, ())
        back = order_facts.compute_points_back(hold.points or 0, order, lines)
        state = hold.state
        if state == HELD and order.status in order_facts.VOID_STATUSES:
            state = RELEASED
        elif state == HELD and order_facts.has_handed_over(lines):
            state = SPENT
        reading.store(replace(hold, state=state))
        if back and state != HELD:
            _return_points(reading, hold, state, back)


def _return_points(reading: _Reading, hold: FactRow, state: str | None, points: int) -> None:
    key = f"{hold.key}/back"
    former = reading.facts.get(key)
    reading.store(
        replace(
            hold if former is None else former,
            key=key,
            kind=GIVE_BACK,
            origin=hold.key,
            state=state,
            points=points,
            reason=f"{hold.reason}, given back",
            occurred_at=reading.now if former is None else former.occurred_at,
            created_at=reading.now if former is None else former.created_at,
        )
    )
