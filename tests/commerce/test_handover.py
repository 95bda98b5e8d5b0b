"""K3, K4: whatever the order in which sales, messages, acknowledgements, counts and their answers come, no unit that is
sold is on sale again; and once everything has been told and read, none is subtracted twice.

A schedule is a list of steps. The authority is a model of one; what the gateway does is its own code, over one
database connection whose transaction is rolled back after every schedule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from gateway.commerce import following, ledger
from gateway.commerce.ground import Ground
from gateway.commerce.ledger import Moment, Read
from gateway.commerce.selling import Selling
from gateway.commerce.taking import Rules
from gateway.model.channels import Location, LocationKind, Resource
from gateway.model.ids import new_id
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk import Ref, StockRecord, Traits
from gateway.storage import reservations, sources, tables
from gateway.storage.reservations import ReservationRow
from gateway.sync.take import Item, Reading, take
from tests.conftest import TORTURE
from tests.databases import sqlite_database
from tests.house import START

Kind = Literal["ledger", "prompt", "slow", "batch"]
KINDS: tuple[Kind, ...] = ("ledger", "prompt", "slow", "batch")
SETTLE = timedelta(minutes=5)
BEFORE = 20
SPOT = ("till", "mug", "L")

Step = tuple[str, int]
steps = st.lists(
    st.tuples(st.sampled_from(["sell", "tell", "show", "ask", "arrive", "wait", "count"]), st.integers(0, 5)),
    min_size=3,
    max_size=40,
)


@dataclass
class Authority:
    """Somebody who counts mugs. What she is told she takes at once, and shows at once or later.

    Attributes:
        told: what she was told and does not show yet: when it shows at the latest, how many, under which key.
    """

    kind: Kind
    shown: int = BEFORE
    ledger: list[str] = field(default_factory=list)
    told: list[tuple[datetime, int, str]] = field(default_factory=list)

    def take(self, delta: int, key: str, now: datetime) -> None:
        self.told.append((now + (SETTLE if self.kind == "slow" else timedelta(0)), delta, key))
        if self.kind != "slow":
            self.show(len(self.told))

    def show(self, count: int) -> None:
        for _, delta, key in self.told[:count]:
            self.shown += delta
            self.ledger.append(key)
        self.told = self.told[count:]

    def catch_up(self, now: datetime) -> None:
        self.show(sum(at <= now for at, _, _ in self.told))


@dataclass
class Answer:
    """A count that was asked for, as it was answered."""

    begin: int
    begun_at: datetime
    shown: int
    contains: tuple[str, ...]


class Shop:
    """The gateway's side: a counter, sales, what is told, and counts as they come."""

    def __init__(self, conn: Connection, kind: Kind) -> None:
        self.conn, self.now, self.authority = conn, START, Authority(kind)
        self.sold, self.waiting, self.answers = 0, [], []  # type: tuple[int, list[ReservationRow], list[Answer]]
        traits = Traits(
            time_zone="UTC",
            currency="GBP",
            prices_include_tax=True,
            read_your_writes=kind in ("prompt", "ledger"),
            settle=SETTLE if kind == "slow" else timedelta(0),
        )
        place = Location(key="london", name="L", kind=LocationKind.STORE, authority="till", external_ids={"till": "L"})
        self.ground = Ground(locations={"london": place}, traits={"till": traits})
        self.rules = Rules(selling=Selling(ground=self.ground, secret=b""))
        self.arrive_with(self.ask())

    def run(self, step: Step) -> None:
        name, n = step
        getattr(self, name)(n)
        self.check()

    def check(self) -> None:
        on_hand, held = self.counter()
        assert on_hand - held <= BEFORE - self.sold, "a unit that is sold is on sale again"

    def counter(self) -> tuple[int, int]:
        row = self.conn.execute(sa.select(tables.stock.c.on_hand, tables.stock.c.held)).one()
        return row.on_hand, row.held

    # -------------------------------------------------------------------------------------------- steps

    def sell(self, _: int) -> None:
        """Somebody else sells a mug from the shelf; or the till itself does, and counts it when the shift is closed."""
        row = ReservationRow(
            id=new_id(self.now),
            channel="till",
            item="mug",
            place="L",
            location="london",
            listing_id="",
            quantity=1,
            state=ReservationState.COMMITTED.value,
            reason=MovementReason.SALE.value,
            order_channel="till" if self.authority.kind == "batch" else "web",
            order_ref=f"o{self.sold}",
            line_ref="1",
            created_at=self.now,
            updated_at=self.now,
        )
        following.move(self.conn, [row], self.now)
        if self.authority.kind != "batch":
            ledger.post(self.conn, [row], self.now)
        self.sold += 1
        self.waiting.append(row)

    def tell(self, n: int) -> None:
        """The authority takes a message, and says so; or the till closes its shift, and its orders say that."""
        if not self.waiting:
            return
        row = self.waiting.pop(n % len(self.waiting))
        self.authority.take(-row.quantity, row.id, self.now)
        if self.authority.kind == "batch":
            count = sources.next_count(self.conn)
            following._told_elsewhere(self.conn, [row.id], count, self.now)
        else:
            ledger.acknowledged(self.conn, [row.id], self.ground, self.now)

    def show(self, n: int) -> None:
        """What was told shows, a part of it."""
        self.authority.show(n)

    def ask(self, _: int = 0) -> Answer:
        """A count is asked for; its answer is under way from now on."""
        contains = tuple(self.authority.ledger) if self.authority.kind == "ledger" else ()
        answer = Answer(sources.current_count(self.conn), self.now, self.authority.shown, contains)
        self.answers.append(answer)
        return answer

    def arrive(self, n: int) -> None:
        """An answer arrives, perhaps long after others, perhaps again."""
        if self.answers:
            self.arrive_with(self.answers[n % len(self.answers)])

    def arrive_with(self, answer: Answer) -> None:
        record = StockRecord(ref=Ref("mug@L"), item="mug", place="L", on_hand=answer.shown, contains=answer.contains)
        digest = f"{answer.shown} {answer.contains}"
        reading = Reading(
            channel="till",
            feed="stock",
            resource=Resource.STOCK,
            begin=answer.begin,
            observed_at=answer.begun_at,
            live=True,
            fetched=False,
            rules=self.rules,
        )
        known = sources.digests(self.conn, "till", "STOCK", ["mug@L"]).get("mug@L")
        item = Item("mug@L", digest, None if known == digest else record)
        take(self.conn, reading, [item], None, self.now)

    def wait(self, n: int) -> None:
        self.now += timedelta(minutes=n)
        self.authority.catch_up(self.now)

    def count(self, _: int) -> None:
        """A count that is asked for and answered at once."""
        self.arrive_with(self.ask())

    def end(self) -> None:
        """Everything is told, shown and read."""
        while self.waiting:
            self.tell(0)
        self.now += SETTLE
        self.authority.catch_up(self.now)
        self.count(0)
        assert self.counter() == (BEFORE - self.sold, 0), "a unit is subtracted twice"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    engine = sa.create_engine(sqlite_database(tmp_path_factory.mktemp("handover") / "gateway.db"))
    yield engine
    engine.dispose()


def play(engine: sa.Engine, kind: Kind, schedule: Sequence[Step]) -> None:
    with engine.connect() as conn, conn.begin() as transaction:
        shop = Shop(conn, kind)
        for step in schedule:
            shop.run(step)
        shop.end()
        transaction.rollback()


EXAMPLES = settings(max_examples=5_000 if TORTURE else 150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(schedule=steps)
def test_no_schedule_puts_a_sold_unit_on_sale_again_and_none_subtracts_it_twice_for_good(
    engine: sa.Engine, kind: Kind, schedule: list[Step]
) -> None:
    play(engine, kind, schedule)


def at_acknowledgement(row: ReservationRow, read: Read, moment: Moment, ground: Ground) -> bool:
    return row.acknowledged_count is not None


def by_time_alone(row: ReservationRow, read: Read, moment: Moment, ground: Ground) -> bool:
    return row.acknowledged_at is not None and moment.begun_at >= row.acknowledged_at


@pytest.mark.parametrize("naive", [at_acknowledgement, by_time_alone])
def test_without_proof_there_is_such_a_schedule(engine: sa.Engine, naive: object) -> None:
    late = [("sell", 0), ("ask", 0), ("tell", 0), ("arrive", 1), ("arrive", 1)]
    slow = [("sell", 0), ("tell", 0), ("count", 0), ("count", 0)]
    with patch.object(ledger, "_proved", naive), pytest.raises(AssertionError, match="on sale again"):
        play(engine, "prompt", late)
        play(engine, "slow", slow)


def test_the_counts_of_reservations_are_those_that_are_open(engine: sa.Engine) -> None:
    with engine.connect() as conn, conn.begin() as transaction:
        shop = Shop(conn, "slow")
        for _ in range(3):
            shop.sell(0)
        shop.tell(0)
        assert reservations.claimed(reservations.open_of(conn, [SPOT])) == {SPOT: 3}
        transaction.rollback()
