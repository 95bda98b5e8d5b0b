"""Histories of two loyalty accounts: what truly happened, what arrives of it, and what the accounts should say.

Receipts arrive late, twice, under new local ids, corrected, and before what they refer to. The truth is computed from
what happened, once and in its order, by code of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from gateway.commerce.loyalty import replay
from gateway.commerce.loyalty.facts import Credit, Debit, Fact, Sale, SaleReturn
from gateway.commerce.loyalty.ledger import compute_entries
from gateway.commerce.loyalty.program import EarnTerms, LoyaltyProgram
from gateway.commerce.loyalty.replay import EntryKey
from gateway.model.customers.loyalty import LoyaltyEntryKind

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
TERMS = EarnTerms(Decimal(1))
LIFE, PENDING = 365, 14
PROGRAM = LoyaltyProgram(
    since=START,
    rates={"GBP": Decimal(1)},
    pending=timedelta(days=PENDING),
    expires_after=timedelta(days=LIFE),
    zone=ZoneInfo("Europe/London"),
)
ACCOUNTS = ("A", "B")


def get_day(day: int) -> datetime:
    return START + timedelta(days=day)


@dataclass(frozen=True)
class Event:
    """Something that truly happened to an account on a day. `amount`: money in pence, or points."""

    account: str
    day: int
    kind: str
    name: str
    amount: int
    sale: Event | None = None

    @property
    def key(self) -> str:
        """Its natural key: the receipt."""
        return f"till/1/{self.day}/{self.name}"


@dataclass(frozen=True)
class Arrival:
    """A report of an event, on a day. `local_id`: the row id of the till, another one if it sends again."""

    day: float
    account: str
    fact: Fact
    local_id: str


@dataclass
class History:
    events: list[Event]
    arrivals: list[Arrival]
    end: int


def build_history(seed: int) -> History:
    random = Random(seed)
    events = list(_generate_events(random))
    end = max(event.day for event in events) + random.choice([10, 200, 500])
    arrivals = [arrival for event in events for arrival in _report(random, event)]
    return History(events, sorted(arrivals, key=lambda arrival: (arrival.day, arrival.local_id)), end + 300)


def _generate_events(random: Random) -> Iterator[Event]:
    day, left = 0, dict[str, tuple[Event, int]]()
    for number in range(random.randrange(3, 10)):
        day += random.randrange(1, 120)
        account, chance = random.choice(ACCOUNTS), random.random()
        if chance < 0.55 or not left:
            amount = random.randrange(150, 9_000)
            sale = Event(account, day, "sale", f"s{number}", amount)
            left[sale.name] = sale, amount
            yield sale
        elif chance < 0.75:
            name = random.choice(sorted(left))
            sale, rest = left.pop(name)
            part = random.randrange(1, rest + 1)
            if part < rest:
                left[name] = sale, rest - part
            yield Event(sale.account, day, "return", f"r{number}", part, sale)
        elif chance < 0.95:
            yield Event(account, day, "redeem", f"d{number}", random.randrange(1, 60))
        else:
            yield Event(account, day, "adjust", f"a{number}", random.choice([-20, -5, 5, 30]))


def _report(random: Random, event: Event) -> Iterator[Arrival]:
    fact, delay = build_fact(event), random.choice([0, 0, 1, 40, 200])
    if isinstance(fact, Sale) and random.random() < 0.2:  # corrected later; what was wrong may arrive again after that
        wrong = replace(fact, minor=max(fact.minor + random.randrange(-2_000, 2_000), 0))
        fact = replace(fact, version=1)
        for late in (0, *random.choices([1, 60, 250], k=random.randrange(2))):
            yield Arrival(event.day + delay + late, event.account, wrong, f"{fact.key} at first")
        delay += random.choice([0, 5, 90])
    yield Arrival(event.day + delay + random.random(), event.account, fact, fact.key)
    if random.random() < 0.3:
        again = random.choice([fact.key, f"{fact.key} again"])
        yield Arrival(event.day + delay + random.choice([1, 60, 210]), event.account, fact, again)


def build_fact(event: Event) -> Fact:
    at, key = get_day(event.day), event.key
    match event.kind:
        case "sale":
            return Sale(key=key, at=at, minor=event.amount, currency="GBP", terms=TERMS)
        case "return":
            return SaleReturn(key=key, at=at, sale_key=event.sale.key if event.sale else "", minor=event.amount)
        case "redeem":
            return Debit(key=key, at=at, points=event.amount)
        case _ if event.amount < 0:
            return Debit(key=key, at=at, points=-event.amount, kind=LoyaltyEntryKind.ADJUST)
        case _:
            return Credit(key=key, at=at, points=event.amount, kind=LoyaltyEntryKind.ADJUST)


@dataclass
class Ledgers:
    """What the rule makes of arrivals: per account its facts, and the entries that were posted."""

    facts: dict[str, dict[str, Fact]] = field(default_factory=lambda: defaultdict(dict))
    posted: dict[str, Counter[EntryKey]] = field(default_factory=lambda: defaultdict(Counter))
    entries: int = 0

    def receive(self, arrival: Arrival) -> None:
        """Store a fact as storage does: a newer version replaces an older one. Then post what is missing."""
        known = self.facts[arrival.account].get(arrival.fact.key)
        if known is None or known.version < arrival.fact.version:
            self.facts[arrival.account][arrival.fact.key] = arrival.fact
        self.post(arrival.account, START + timedelta(days=arrival.day))

    def post(self, account: str, now: datetime) -> None:
        state = replay.replay_facts(self.facts[account].values(), PROGRAM, now)
        posted = self.posted[account]
        for entry in compute_entries(state.targets, posted):
            posted[entry.key] += entry.points
            self.entries += 1
        assert sum(posted.values()) == state.balance + state.pending, "the ledger is the balance"


def run_rule(history: History) -> dict[str, int]:
    """Post as everything arrives; return what every ledger adds up to at the end."""
    ledgers = Ledgers()
    for arrival in history.arrivals:
        ledgers.receive(arrival)
    for account in ACCOUNTS:
        ledgers.post(account, get_day(history.end))
    return {account: sum(ledgers.posted[account].values()) for account in ACCOUNTS}


def compute_truth(history: History) -> dict[str, int]:
    """Compute what every account has at the end: all that happened, once, day by day."""
    return {account: _compute_account(history.events, account, history.end) for account in ACCOUNTS}


def _compute_account(events: Sequence[Event], account: str, end: int) -> int:
    own = [event for event in events if event.account == account]
    lots: dict[str, list[int]] = {}  # name → first day, day of expiry, points, expired points
    left: dict[str, int] = {}
    debt = 0
    days = {event.day + later for event in own for later in (0, PENDING, LIFE + 1)}
    for day in sorted({*(day for day in days if day <= end), end}):
        for lot in lots.values():
            if lot[1] < day:  # the lot lasted until the end of its last day
                lot[3] += lot[2]
                lot[2] = 0
        debt = _pay_debt(lots, debt, day)
        for event in (event for event in own if event.day == day):
            if event.kind == "sale":
                left[event.name] = event.amount
                lots[event.name] = [day + PENDING, day + LIFE, event.amount // 100, 0]
            elif event.sale is not None:
                name = event.sale.name
                before, left[name] = left[name], left[name] - event.amount
                debt += _take_back(lots[name], before // 100 - left[name] // 100)
            elif event.kind == "adjust" and event.amount > 0:
                lots[event.name] = [day + PENDING, day + LIFE, event.amount, 0]
            else:
                debt += abs(event.amount)
            debt = _pay_debt(lots, debt, day)
    return sum(lot[2] for lot in lots.values()) - debt


def _take_back(lot: list[int], points: int) -> int:
    left = min(points, lot[2])
    lot[2] -= left
    unspent = min(points - left, lot[3])
    lot[3] -= unspent
    return points - left - unspent


def _pay_debt(lots: Mapping[str, list[int]], debt: int, day: int) -> int:
    for lot in sorted((lot for lot in lots.values() if lot[0] <= day), key=lambda lot: lot[1]):
        part = min(debt, lot[2])
        lot[2] -= part
        debt -= part
    return debt
