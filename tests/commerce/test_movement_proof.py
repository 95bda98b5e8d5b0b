"""Whatever the order of sales, messages, acknowledgements, counts and their responses, no sold unit is on sale again;
and once everything is delivered and read, no unit is subtracted twice (rule K3, rule K4).

A schedule is a list of steps. The authority is a model; the gateway runs its own code over one database connection,
whose transaction is rolled back after every schedule.
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

from gateway.commerce.channel_orders import external_sales
from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.ingest_batch import IngestRules
from gateway.commerce.inventory import movements
from gateway.commerce.inventory.movements import CountObservation, ReadStamp
from gateway.commerce.topology import Topology
from gateway.model import locations
from gateway.model.channels import Resource
from gateway.model.ids import generate_id
from gateway.model.locations import Location, LocationKind
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk import Ref, StockRecord, Traits
from gateway.storage import tables
from gateway.storage.sync import source_records
from gateway.storage.writes import reservations
from gateway.storage.writes.reservations import ReservationRow
from gateway.sync.apply import ReadContext, ReadItem, apply_items
from tests.conftest import TORTURE
from tests.databases import create_sqlite_database
from tests.gateways import START

Kind = Literal["ledger", "prompt", "slow", "batch"]
KINDS: tuple[Kind, ...] = ("ledger", "prompt", "slow", "batch")
SETTLE = timedelta(minutes=5)
BEFORE = 20
COUNTER = ("till", "mug", "L")

Step = tuple[str, int]
steps = st.lists(
    st.tuples(st.sampled_from(["sell", "deliver", "show", "ask", "receive", "wait", "count"]), st.integers(0, 5)),
    min_size=3,
    max_size=40,
)


@dataclass
class Authority:
    """A model of an authority that counts mugs. It applies messages at once, and shows them at once or later.

    Attributes:
        messages: applied and not shown yet: latest time at which it is shown, quantity, key.
    """

    kind: Kind
    shown: int = BEFORE
    ledger: list[str] = field(default_factory=list)
    messages: list[tuple[datetime, int, str]] = field(default_factory=list)

    def take(self, delta: int, key: str, now: datetime) -> None:
        self.messages.append((now + (SETTLE if self.kind == "slow" else timedelta(0)), delta, key))
        if self.kind != "slow":
            self.show(len(self.messages))

    def show(self, count: int) -> None:
        for _, delta, key in self.messages[:count]:
            self.shown += delta
            self.ledger.append(key)
        self.messages = self.messages[count:]

    def publish_due(self, now: datetime) -> None:
        self.show(sum(at <= now for at, _, _ in self.messages))


@dataclass
class Answer:
    """A requested count, as it was answered."""

    begin: int
    begun_at: datetime
    shown: int
    contains: tuple[str, ...]


class Shop:
    """The side of the gateway: a stock counter, sales, messages to the authority, and incoming counts."""

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
        location = Location(
            key="london",
            name="L",
            kind=LocationKind.STORE,
            authority=locations.Authority("till", "L"),
            external_ids={"till": "L"},
        )
        self.ground = Topology(locations={"london": location}, traits={"till": traits})
        self.rules = IngestRules(selling=SellingConfig(topology=self.ground, secret=b""))
        self.ingest(self.ask())

    def run(self, step: Step) -> None:
        name, n = step
        getattr(self, name)(n)
        self.check()

    def check(self) -> None:
        on_hand, held = self.read_counter()
        assert on_hand - held <= BEFORE - self.sold, "a unit that is sold is on sale again"

    def read_counter(self) -> tuple[int, int]:
        row = self.conn.execute(sa.select(tables.stock.c.on_hand, tables.stock.c.held)).one()
        return row.on_hand, row.held

    # -------------------------------------------------------------------------------------------- steps

    def sell(self, _: int) -> None:
        """Another channel sells a mug from the shop; or the till itself does, and counts it when its shift ends."""
        row = ReservationRow(
            id=generate_id(self.now),
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
        external_sales.insert_movements(self.conn, [row], self.now)
        if self.authority.kind != "batch":
            movements.post_movements(self.conn, [row], self.now)
        self.sold += 1
        self.waiting.append(row)

    def deliver(self, n: int) -> None:
        """The authority takes a message and acknowledges it; or the till closes its shift, and its orders show that."""
        if not self.waiting:
            return
        row = self.waiting.pop(n % len(self.waiting))
        self.authority.take(-row.quantity, row.id, self.now)
        if self.authority.kind == "batch":
            count = source_records.take_next_count(self.conn)
            external_sales._acknowledge_reported(self.conn, [row.id], count, self.now)
        else:
            movements.acknowledge_movements(self.conn, [row.id], SellingContext(self.rules.selling, self.now))

    def show(self, n: int) -> None:
        """The authority shows a part of the messages."""
        self.authority.show(n)

    def ask(self, _: int = 0) -> Answer:
        """Request a count; its response is in flight from now on."""
        contains = tuple(self.authority.ledger) if self.authority.kind == "ledger" else ()
        answer = Answer(source_records.get_current_count(self.conn), self.now, self.authority.shown, contains)
        self.answers.append(answer)
        return answer

    def receive(self, n: int) -> None:
        """A response arrives, perhaps long after others, perhaps again."""
        if self.answers:
            self.ingest(self.answers[n % len(self.answers)])

    def ingest(self, answer: Answer) -> None:
        record = StockRecord(ref=Ref("mug@L"), item="mug", place="L", on_hand=answer.shown, contains=answer.contains)
        digest = f"{answer.shown} {answer.contains}"
        reading = ReadContext(
            channel="till",
            feed="stock",
            resource=Resource.STOCK,
            begin=answer.begin,
            observed_at=answer.begun_at,
            can_fetch=True,
            is_fetch=False,
            rules=self.rules,
        )
        known = source_records.find_digests(self.conn, "till", "STOCK", ["mug@L"]).get("mug@L")
        item = ReadItem("mug@L", digest, None if known == digest else record)
        apply_items(self.conn, reading, [item], None, self.now)

    def wait(self, n: int) -> None:
        self.now += timedelta(minutes=n)
        self.authority.publish_due(self.now)

    def count(self, _: int) -> None:
        """A count that is requested and answered at once."""
        self.ingest(self.ask())

    def end(self) -> None:
        """Deliver, show and read everything."""
        while self.waiting:
            self.deliver(0)
        self.now += SETTLE
        self.authority.publish_due(self.now)
        self.count(0)
        assert self.read_counter() == (BEFORE - self.sold, 0), "a unit is subtracted twice"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    engine = sa.create_engine(create_sqlite_database(tmp_path_factory.mktemp("handover") / "gateway.db"))
    yield engine
    engine.dispose()


def play_schedule(engine: sa.Engine, kind: Kind, schedule: Sequence[Step]) -> None:
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
    play_schedule(engine, kind, schedule)


def settle_at_acknowledgement(row: ReservationRow, read: CountObservation, moment: ReadStamp, ground: Topology) -> bool:
    return row.acknowledged_count is not None


def settle_by_time(row: ReservationRow, read: CountObservation, moment: ReadStamp, ground: Topology) -> bool:
    return row.acknowledged_at is not None and moment.begun_at >= row.acknowledged_at


@pytest.mark.parametrize("naive", [settle_at_acknowledgement, settle_by_time])
def test_without_proof_there_is_such_a_schedule(engine: sa.Engine, naive: object) -> None:
    late = [("sell", 0), ("ask", 0), ("deliver", 0), ("receive", 1), ("receive", 1)]
    slow = [("sell", 0), ("deliver", 0), ("count", 0), ("count", 0)]
    with patch.object(movements, "_is_proved", naive), pytest.raises(AssertionError, match="on sale again"):
        play_schedule(engine, "prompt", late)
        play_schedule(engine, "slow", slow)


def test_the_counts_of_reservations_are_those_that_are_open(engine: sa.Engine) -> None:
    with engine.connect() as conn, conn.begin() as transaction:
        shop = Shop(conn, "slow")
        for _ in range(3):
            shop.sell(0)
        shop.deliver(0)
        assert reservations.sum_claims(reservations.find_open_reservations(conn, [COUNTER])) == {COUNTER: 3}
        transaction.rollback()
