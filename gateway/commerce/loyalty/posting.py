"""Posting: brings the ledgers of accounts to what their facts say, under the locks of the accounts (rule Y3)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from gateway.commerce.loyalty.facts import Credit, Debit, Fact, GiveBack, Sale, SaleReturn
from gateway.commerce.loyalty.ledger import NewEntry, compute_entries
from gateway.commerce.loyalty.program import EarnTerms, LoyaltyProgram
from gateway.commerce.loyalty.replay import AccountState, EntryKey, replay_facts
from gateway.commerce.loyalty.tiers import TierGrant, renew_grant, sum_periods
from gateway.model.customers.loyalty import LoyaltyEntryKind
from gateway.model.ids import generate_ids
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes.customers import loyalty
from gateway.storage.writes.customers.loyalty import AccountRow, EntryRow, FactRow, PostedSum

SALE, RETURN, CREDIT, DEBIT, GIVE_BACK = "SALE", "RETURN", "CREDIT", "DEBIT", "GIVE_BACK"
"""Kinds of facts."""

ORDER, POST, HOLD = "order", "post", "hold"
"""Sources of facts."""

HELD, SPENT, RELEASED = "HELD", "SPENT", "RELEASED"
"""States of a hold (rule Y4)."""

Posted = Mapping[tuple[str, bool], PostedSum]


class Posting(NamedTuple):
    """An account as it was posted: its row, its state and its new entries."""

    account: AccountRow
    state: AccountState
    entries: Sequence[EntryRow]


def post_accounts(
    conn: Connection, account_ids: Collection[str], program: LoyaltyProgram, now: datetime
) -> dict[str, Posting]:
    """Post what is missing in the ledgers of these accounts, and store what follows from it."""
    locked = loyalty.lock_accounts(conn, account_ids)
    facts = _group_facts(conn, locked)
    posted = loyalty.sum_entries(conn, locked)
    postings = {id_: _post(row, facts.get(id_, []), posted[id_], program, now) for id_, row in sorted(locked.items())}
    entries = [entry for posting in postings.values() for entry in posting.entries]
    loyalty.insert_entries(conn, _explain(conn, entries))
    loyalty.update_accounts(conn, [posting.account for posting in postings.values()])
    return postings


def post_due(conn: Connection, program: LoyaltyProgram, now: datetime, limit: int) -> int:
    """Post points that begin or expire by now (rules Y6, Y10). Returns of how many accounts."""
    due = loyalty.find_due_accounts(conn, now, limit)
    post_accounts(conn, due, program, now)
    return len(due)


def read_states(
    conn: Connection, account_ids: Collection[str], program: LoyaltyProgram, now: datetime
) -> dict[str, AccountState]:
    """Read what the facts say of accounts, without posting it."""
    facts = _group_facts(conn, account_ids)
    return {
        id_: replay_facts([build_fact(row) for row in facts.get(id_, ())], program, now) for id_ in sorted(account_ids)
    }


def _group_facts(conn: Connection, account_ids: Collection[str]) -> dict[str, list[FactRow]]:
    """Find the facts of accounts. A post counts nothing once the order with its key has arrived (rule Y2)."""
    rows = loyalty.find_facts_of_accounts(conn, account_ids)
    posts = {row.key for row in rows if row.source == POST}
    superseded = {row.key for row in loyalty.find_facts(conn, posts) if row.source == ORDER}
    grouped: dict[str, list[FactRow]] = {}
    for row in rows:
        if row.source != POST or row.key not in superseded:
            grouped.setdefault(row.account_id or "", []).append(row)
    return grouped


def _post(row: AccountRow, rows: Sequence[FactRow], posted: Posted, program: LoyaltyProgram, now: datetime) -> Posting:
    facts = [build_fact(fact) for fact in rows]
    state = replay_facts(facts, program, now)
    sums = {EntryKey(key, is_expiry): total.points for (key, is_expiry), total in posted.items()}
    entries = compute_entries(state.targets, sums)
    ids = generate_ids(now, len(entries))
    periods = _sum_periods(facts, state, program)
    account = replace(
        row,
        balance=state.balance,
        pending=state.pending,
        held=state.held,
        next_at=state.next_at,
        periods=_dump_periods(periods, program, now),
        unshown=row.unshown or (state.balance, state.held) != (row.balance, row.held) or None,
        updated_at=now,
    )
    _grant_tier(account, periods, program, now)
    built = [_build_entry(id_, row.id, entry, posted, now, state) for id_, entry in zip(ids, entries, strict=True)]
    return Posting(account, state, built)


def build_fact(row: FactRow) -> Fact:
    """Build the fact that a row stores."""
    key, at = row.key, row.occurred_at
    if row.kind == SALE:
        terms = EarnTerms(Decimal(row.rate or 0), Decimal(row.multiplier or 1))
        return Sale(key=key, at=at, minor=row.minor or 0, currency=row.currency or "", terms=terms)
    if row.kind == RETURN:
        return SaleReturn(key=key, at=at, sale_key=row.origin or "", minor=row.minor or 0)
    points, is_posted = row.points or 0, row.state in (None, SPENT)
    if row.kind == GIVE_BACK:
        return GiveBack(key=key, at=at, debit_key=row.origin or "", points=points, is_posted=is_posted)
    kind = LoyaltyEntryKind(row.entry_kind)
    if row.kind == DEBIT:
        return Debit(key=key, at=at, points=points, kind=kind, is_posted=is_posted)
    return Credit(key=key, at=at, points=points, kind=kind, expires_at=row.expires_at)


def _build_entry(
    id_: str, account_id: str, entry: NewEntry, posted: Posted, now: datetime, state: AccountState
) -> EntryRow:
    target, former = entry.target, posted.get((entry.key.key, entry.key.is_expiry))
    begins_at = None if target is None else target.begins_at
    return EntryRow(
        id=id_,
        account_id=account_id,
        key=entry.key.key,
        expiry=entry.key.is_expiry,
        number=0 if former is None else former.entries,
        kind=entry.kind.value,
        points=entry.points,
        reason="",
        channel=None,
        location=None,
        order_id=None,
        occurred_at=now if target is None else target.at,
        pending_until=begins_at if target is not None and begins_at != target.at else None,
        expires_at=None if target is None else target.expires_at,
        posted_at=now,
    )


def _explain(conn: Connection, entries: Sequence[EntryRow]) -> list[EntryRow]:
    """Add what the facts say of the reason, the channel, the location and the order."""
    rows = {row.key: row for row in loyalty.find_facts(conn, {_get_fact_key(entry) for entry in entries})}
    return [_explain_entry(entry, rows.get(_get_fact_key(entry))) for entry in entries]


def _get_fact_key(entry: EntryRow) -> str:
    """Return the key of the fact. Points that came back expire under its key and that of their former lot."""
    return entry.key.partition("|")[0] if entry.expiry else entry.key


def _explain_entry(entry: EntryRow, fact: FactRow | None) -> EntryRow:
    reason = "Expired." if entry.expiry else "" if fact is None else fact.reason or ""
    if fact is None:
        return replace(entry, reason=reason)
    return replace(entry, reason=reason, channel=fact.channel, location=fact.location, order_id=fact.order_id)


# ------------------------------------------------------------------------------------------------ tiers


def _sum_periods(facts: Iterable[Fact], state: AccountState, program: LoyaltyProgram) -> Counter[int]:
    """Sum what purchases have earned, less what was returned, by the time of the purchase (rule Y9)."""
    sold_at = {fact.key: fact.at for fact in facts if isinstance(fact, Sale)}
    earned: list[tuple[datetime, int]] = []
    for fact in facts:
        target = state.targets.get(EntryKey(fact.key))
        if target is None:
            continue
        if isinstance(fact, SaleReturn):
            earned.append((sold_at[fact.sale_key], target.points))
        elif isinstance(fact, Sale) or (isinstance(fact, Credit) and fact.kind is LoyaltyEntryKind.EARN):
            earned.append((fact.at, target.points))
    return sum_periods(earned, program)


def _dump_periods(periods: Mapping[int, int], program: LoyaltyProgram, now: datetime) -> str:
    """Serialize the periods that can still decide a tier."""
    last = program.find_period(now) - 1
    return dump_json({str(period): points for period, points in sorted(periods.items()) if period >= last})


def read_periods(accounts: Iterable[AccountRow]) -> Counter[int]:
    """Read the points by period of several accounts."""
    sums: Counter[int] = Counter()
    for account in accounts:
        sums.update({int(period): points for period, points in json.loads(account.periods).items()})
    return sums


def read_grants(accounts: Iterable[AccountRow]) -> list[TierGrant]:
    """Read the tiers that were granted to several accounts."""
    return [TierGrant(row.tier, row.tier_until) for row in accounts if row.tier and row.tier_until]


def _grant_tier(account: AccountRow, periods: Mapping[int, int], program: LoyaltyProgram, now: datetime) -> None:
    """Note the tier that the account has reached: what is reported later does not lower it (rule Y9)."""
    granted, keys = renew_grant(periods, program, now), [tier.key for tier in program.tiers]
    if granted is None:
        return
    former = keys.index(account.tier) if account.tier in keys else -1
    is_over = account.tier_until is None or account.tier_until <= now
    if is_over or keys.index(granted.key) >= former:
        account.tier, account.tier_until = granted.key, granted.until
