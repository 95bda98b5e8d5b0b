"""Whatever arrives late, twice, renamed or corrected: every account says what truly happened (rules Y2 to Y7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from gateway.commerce.loyalty import facts, ledger, lots, replay
from gateway.commerce.loyalty.lots import Lot, LotBook
from tests.commerce.loyalty import histories
from tests.commerce.loyalty.histories import Arrival, History, build_history, compute_truth, run_rule
from tests.conftest import THOROUGH

HISTORIES = 5_000 if THOROUGH else 500


def count_wrong(number: int = HISTORIES) -> int:
    return sum(run_rule(history) != compute_truth(history) for history in map(build_history, range(number)))


def test_no_account_of_any_history_is_wrong() -> None:
    assert count_wrong() == 0


def test_the_order_of_arrival_decides_nothing() -> None:
    for seed in range(HISTORIES // 5):
        history = build_history(seed)
        shuffled = list(history.arrivals)
        Random(seed).shuffle(shuffled)
        late = [replace(arrival, day=history.end - 1) for arrival in shuffled]
        assert run_rule(History(history.events, late, history.end)) == run_rule(history)


def test_the_proof_that_local_ids_count_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the row ids of tills as keys, a receipt that is sent again under a new one earns twice (rule Y2)."""
    receive = histories.Ledgers.receive

    def receive_by_local_id(self: histories.Ledgers, arrival: Arrival) -> None:
        receive(self, replace(arrival, fact=replace(arrival.fact, key=arrival.local_id)))

    monkeypatch.setattr(histories.Ledgers, "receive", receive_by_local_id)
    assert count_wrong(100) > 10


def test_the_proof_that_arrival_decides_without_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """If whatever arrives last replaces, an old receipt that is delivered again undoes its correction."""

    def store_last(self: histories.Ledgers, arrival: Arrival) -> None:
        self.facts[arrival.account][arrival.fact.key] = arrival.fact
        self.post(arrival.account, histories.START + timedelta(days=arrival.day))

    monkeypatch.setattr(histories.Ledgers, "receive", store_last)
    assert count_wrong(200) > 0


def test_the_proof_that_events_by_arrival_expire_wrong_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """If facts count from their arrival, lots expire that were spent in time, and others last too long (rule Y6)."""
    receive = histories.Ledgers.receive

    def receive_undated(self: histories.Ledgers, arrival: Arrival) -> None:
        at = histories.START + timedelta(days=arrival.day)
        receive(self, replace(arrival, fact=replace(arrival.fact, at=at)))

    monkeypatch.setattr(histories.Ledgers, "receive", receive_undated)
    assert count_wrong(100) > 5


def test_the_proof_that_a_clipped_balance_gives_points_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no balance goes below 0, what was spent offline is not settled by the next points (rule Y5)."""

    def spend_what_is_there(book: LotBook, key: str, points: int) -> None:
        use = book.uses[key] = lots.Use(key, min(points, max(book.spendable, 0)))
        book._debts.append(use)
        book._settle()

    monkeypatch.setattr(LotBook, "spend", spend_what_is_there)
    monkeypatch.setattr(histories.Ledgers, "post", post_without_check)
    assert count_wrong(100) > 5


def test_the_proof_that_debts_are_settled_before_lots_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a lot that begins does not settle a debt at once, it expires, and the debt remains (rule Y6)."""
    begin = LotBook._begin

    def begin_unsettled(book: LotBook, lot: Lot) -> None:
        debts, book._debts = book._debts, type(book._debts)()
        begin(book, lot)
        book._debts = debts

    monkeypatch.setattr(LotBook, "_begin", begin_unsettled)
    assert count_wrong(300) > 0


def test_the_proof_that_entries_are_what_is_not_posted_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """If every report posts its points, telling anything twice counts twice (rule Y3)."""

    def post_everything(self: histories.Ledgers, account: str, now: object) -> None:
        for key, target in replay.replay_facts(
            self.facts[account].values(), histories.PROGRAM, histories.get_day(0) + timedelta(days=9_999)
        ).targets.items():
            self.posted[account][key] += target.points

    monkeypatch.setattr(histories.Ledgers, "post", post_everything)
    assert count_wrong(20) > 10


def post_without_check(self: histories.Ledgers, account: str, now: object) -> None:
    at = now if isinstance(now, type(histories.START)) else histories.START
    state = replay.replay_facts(self.facts[account].values(), histories.PROGRAM, at)
    self.posted[account].clear()
    self.posted[account][replay.EntryKey("balance")] = state.balance + state.pending


def test_a_fact_is_known_by_its_key_only() -> None:
    """The same facts in any order and number collapse to the same ones."""
    arrivals = [arrival.fact for arrival in build_history(7).arrivals if arrival.account == "A"]
    collapsed = facts.collapse_facts(arrivals)
    assert collapsed == facts.collapse_facts([*reversed(arrivals), *arrivals])
    assert ledger.compute_entries({}, {}) == []
