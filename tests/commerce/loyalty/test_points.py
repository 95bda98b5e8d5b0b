"""What purchases earn, when points can be spent and expire, and tiers (rules Y3, Y6, Y8, Y9, Y10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.loyalty.facts import Credit, Debit, Fact, GiveBack, Sale, SaleReturn
from gateway.commerce.loyalty.lots import LotBook
from gateway.commerce.loyalty.program import EarnTerms, LoyaltyProgram, Tier
from gateway.commerce.loyalty.replay import AccountState, EntryKey, replay_facts
from gateway.commerce.loyalty.tiers import TierGrant, compute_tier, renew_grant, sum_periods

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PROGRAM = LoyaltyProgram(
    since=START,
    rates={"GBP": Decimal(1)},
    worth={"GBP": Decimal("0.01")},
    expires_after=100 * DAY,
    zone=ZoneInfo("Europe/London"),
    tiers=(Tier("silver", 100), Tier("gold", 500, Decimal("1.5"))),
)
ONE_PER_POUND = EarnTerms(Decimal(1))


def build_sale(key: str, minor: int, day: int = 0) -> Sale:
    return Sale(key=key, at=START + day * DAY, minor=minor, currency="GBP", terms=ONE_PER_POUND)


def replay(*facts: Fact, day: int = 0, program: LoyaltyProgram = PROGRAM) -> AccountState:
    return replay_facts(facts, program, START + day * DAY)


def sum_targets(state: AccountState) -> int:
    return sum(target.points for target in state.targets.values())


@given(st.lists(st.integers(1, 2_000), min_size=1, max_size=8), st.sampled_from(["1", "0.33", "1.5", "7"]))
def test_an_order_returned_line_by_line_leaves_no_points(lines: list[int], rate: str) -> None:
    sale = Sale(key="s", at=START, minor=sum(lines), currency="GBP", terms=EarnTerms(Decimal(rate)))
    returns = [
        SaleReturn(key=f"r{number}", at=START + number * DAY, sale_key="s", minor=minor)
        for number, minor in enumerate(lines)
    ]
    state = replay(sale, *returns, day=20)
    assert state.spendable == sum_targets(state) == 0


def test_the_proof_that_points_by_line_leave_a_rest() -> None:
    orders = [[Random(seed).randrange(1, 2_000) for _ in range(5)] for seed in range(500)]
    points = ONE_PER_POUND.compute_points
    differing = sum(points(sum(lines), "GBP") != sum(points(line, "GBP") for line in lines) for lines in orders)
    assert differing > 300


def test_a_return_before_its_purchase_waits() -> None:
    late_clock = SaleReturn(key="r", at=START - DAY, sale_key="s", minor=1_000)
    assert sum_targets(replay(late_clock)) == 0
    assert replay(late_clock, build_sale("s", 2_550)).spendable == 15


def test_a_return_takes_expired_points_back_first() -> None:
    """Points that expired before they could be spent are never owed."""
    back = SaleReturn(key="r", at=START + 150 * DAY, sale_key="s", minor=1_000)
    state = replay(build_sale("s", 1_000), back, day=200)
    assert state.spendable == sum_targets(state) == 0


def test_points_expire_at_the_end_of_a_day_where_the_program_is() -> None:
    state = replay(build_sale("s", 1_000))
    assert state.next_at == datetime(2026, 6, 9, 23, tzinfo=UTC)  # midnight in London, in summer
    assert replay_facts([build_sale("s", 1_000)], PROGRAM, state.next_at - timedelta(seconds=1)).spendable == 10
    assert replay_facts([build_sale("s", 1_000)], PROGRAM, state.next_at).spendable == 0


def test_a_redemption_reported_after_the_expiry_takes_the_expiry_back() -> None:
    expired = replay(build_sale("s", 1_000), day=120)
    assert expired.targets[EntryKey("s", is_expiry=True)].points == -10
    offline = Debit(key="d", at=START + 50 * DAY, points=8)
    state = replay(build_sale("s", 1_000), offline, day=120)
    assert state.targets[EntryKey("s", is_expiry=True)].points == -2
    assert sum_targets(state) == state.spendable == 0


def test_points_that_expire_first_are_spent_first() -> None:
    early = Credit(key="z", at=START, points=10, expires_at=START + 10 * DAY)
    state = replay(build_sale("a", 1_000), early, Debit(key="d", at=START + DAY, points=12), day=2)
    assert [(lot.points, lot.expires_at) for lot in state.lots] == [(8, PROGRAM.compute_expiry(START))]


def test_what_is_held_neither_expires_nor_can_be_spent() -> None:
    held = Debit(key="d", at=START + DAY, points=6, is_posted=False)
    state = replay(build_sale("s", 1_000), held, day=120)
    assert (state.spendable, state.held, state.balance, sum_targets(state)) == (0, 6, 6, 6)


def test_points_come_back_with_their_old_expiry_and_at_least_30_days() -> None:
    facts = [build_sale("s", 1_000), build_sale("t", 1_000, day=90), Debit(key="d", at=START + 95 * DAY, points=15)]
    back = GiveBack(key="g", at=START + 110 * DAY, debit_key="d", points=12)
    state = replay(*facts, back, day=110)
    late, least = PROGRAM.compute_expiry(START + 90 * DAY), PROGRAM.compute_day_end(START + 140 * DAY)
    assert [(lot.points, lot.expires_at) for lot in state.lots] == [(7, least), (5, late), (5, late)]
    assert sum_targets(state) == state.spendable == 17


def test_no_more_points_come_back_than_were_spent() -> None:
    back = [GiveBack(key=f"g{n}", at=START + 2 * DAY, debit_key="d", points=8) for n in range(3)]
    state = replay(build_sale("s", 1_000), Debit(key="d", at=START + DAY, points=10), *back, day=3)
    assert state.spendable == sum_targets(state) == 10


def test_what_is_owed_is_given_back_before_points_are() -> None:
    offline = Debit(key="d", at=START, points=15)
    state = replay(build_sale("s", 1_000), offline, GiveBack(key="g", at=START + DAY, debit_key="d", points=8), day=2)
    assert state.spendable == sum_targets(state) == 3


def test_pending_points_cannot_be_spent_and_are_lessened_first() -> None:
    program = LoyaltyProgram(since=START, pending=14 * DAY)
    old, new = build_sale("a", 1_000, day=-30), build_sale("b", 2_000)
    state = replay(old, new, program=program)
    assert (state.spendable, state.pending, state.next_at) == (10, 20, START + 14 * DAY)
    back = SaleReturn(key="r", at=START + DAY, sale_key="b", minor=2_000)
    state = replay(old, new, back, day=2, program=program)
    assert (state.spendable, state.pending) == (10, 0)
    assert replay(old, new, day=14, program=program).spendable == 30


def test_a_debt_is_settled_by_points_when_they_begin() -> None:
    program = LoyaltyProgram(since=START, pending=14 * DAY)
    facts = [Debit(key="d", at=START, points=5), build_sale("s", 1_000)]
    assert (replay(*facts, program=program).spendable, replay(*facts, program=program).pending) == (-5, 10)
    assert replay(*facts, day=14, program=program).spendable == 5


def test_the_proof_that_expired_points_would_be_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LotBook, "reduce", lambda book, lot_key, key, points: book.spend(key, points))
    back = SaleReturn(key="r", at=START + 150 * DAY, sale_key="s", minor=1_000)
    assert replay(build_sale("s", 1_000), back, day=200).spendable == -10


def test_a_tier_is_up_at_once_and_down_at_the_end_of_the_next_period() -> None:
    periods = sum_periods([(START, 600)], PROGRAM)
    for year, key in ((2026, "gold"), (2027, "gold"), (2028, None)):
        tier = compute_tier(periods, [], PROGRAM, datetime(year, 5, 1, tzinfo=UTC)).tier
        assert (tier.key if tier else None) == key


def test_the_next_tier_says_what_is_missing() -> None:
    status = compute_tier(sum_periods([(START, 120)], PROGRAM), [], PROGRAM, START)
    assert status.tier and status.next_tier and (status.tier.key, status.next_tier.key) == ("silver", "gold")
    assert status.missing == 380
    assert compute_tier({}, [], LoyaltyProgram(since=START), START).missing is None


def test_the_order_of_reports_decides_no_tier() -> None:
    earned = [(START, 300), (START + 200 * DAY, 250), (START + 320 * DAY, 100)]
    statuses = {compute_tier(sum_periods(some, PROGRAM), [], PROGRAM, START).tier for some in permutations(earned)}
    assert statuses == {PROGRAM.tiers[1]}


def test_a_late_return_does_not_lower_a_granted_tier() -> None:
    granted = renew_grant(sum_periods([(START, 600)], PROGRAM), PROGRAM, START)
    assert granted == TierGrant("gold", datetime(2028, 1, 1, tzinfo=UTC))
    lowered = sum_periods([(START, 600), (START, -550)], PROGRAM)
    tier = compute_tier(lowered, [granted], PROGRAM, START + 30 * DAY).tier
    assert tier is not None and tier.key == "gold"
    assert compute_tier(lowered, [], PROGRAM, START + 30 * DAY).tier is None, "the proof: without the grant it falls"


def test_points_have_a_worth_in_configured_currencies() -> None:
    assert PROGRAM.compute_worth(1_050, "GBP") == 1_050
    assert PROGRAM.compute_worth(10, "EUR") is None
