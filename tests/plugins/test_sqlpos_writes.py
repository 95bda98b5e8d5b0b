"""What a gateway writes to a till, through the till's real database: done once, told by the till itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from gateway.model.stock import MovementReason
from gateway.sdk import AdjustStock, AuthError, Done, Outcome, OutcomeUnknownError, Ref, Refused, UnavailableError
from gateway.sdk.errors import ChannelError
from gateway_sqlpos.ledger import Counts, reason_of
from gateway_sqlpos.sandbox import schema
from gateway_sqlpos.sandbox.loading import product_id
from gateway_sqlpos.till import ServerTill, SQLiteTill

from .conftest import execute
from .till_house import TEA, TillHouse, till_house

pytestmark = [pytest.mark.anyio, pytest.mark.long]
DEADLINE = timedelta(seconds=20)


def adjustment(delta: int, key: str = "k1", *, product: str = TEA, place: str = "london") -> AdjustStock:
    return AdjustStock(key=key, subject=Ref(product), place=place, delta=delta, reason=MovementReason.SALE)


async def told(house: TillHouse, command: AdjustStock) -> Outcome | ChannelError:
    (answer,) = await house.channel.send([command], DEADLINE)
    return answer


async def test_a_sale_elsewhere_is_in_the_tills_count_and_its_ledger_proves_it(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        await house.web_sells(3)
        assert await house.counted() == [9]
        (entry,) = await house.diary()
        assert (entry.product, entry.location, entry.units, entry.reason, entry.price) == (TEA, "london", -3, -1, 2.55)
        await house.later()
        assert await house.counter() == (9, 0)
        assert await house.states() == ["SETTLED"]


async def test_a_command_that_is_sent_twice_moves_units_once(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        assert await told(house, adjustment(-3)) == Done(moved_stock=True)
        assert await told(house, adjustment(-3)) == Done(moved_stock=True)
        assert await house.counted() == [9]
        assert len(await house.diary()) == 1


async def test_what_the_till_does_not_know_is_refused(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        answers = [
            await told(house, adjustment(-1, product="nothing")),
            await told(house, adjustment(-1, place="nowhere")),
        ]
        codes = [answer.code for answer in answers if isinstance(answer, Refused)]
        assert codes == ["NO_PRODUCT", "NO_LOCATION"]
        assert await house.diary() == []


@pytest.mark.parametrize(
    ("reason", "came", "went"),
    [("SALE", 2, -1), ("CANCELLATION", 2, -1), ("RECEIVED", 1, -4), ("DAMAGE", 4, -3), ("COUNT", 4, -4)],
)
def test_the_tills_books_have_a_word_for_it(reason: str, came: int, went: int) -> None:
    assert (reason_of(MovementReason(reason), 1), reason_of(MovementReason(reason), -1)) == (came, went)


# ------------------------------------------------------------------------------------------------ one row of several


async def test_where_no_row_counts_the_first_movement_writes_one(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        assert await house.counted("MUG-2") == []
        await told(house, adjustment(2, product=product_id("MUG-2")))
        assert await house.counted("MUG-2") == [2]


async def test_where_several_rows_count_exactly_one_is_changed(till_url: str, tmp_path: Path) -> None:
    twin = sa.insert(schema.stockcurrent).values(location="london", product=TEA, units=5.0)
    async with till_house(till_url, tmp_path, prepared=[twin], stock_movements=True) as house:
        assert await house.counted() == [5, 12]
        await told(house, adjustment(-3))
        assert sum(await house.counted()) == 14
        assert len({*await house.counted()} & {5, 12}) == 1
        await house.later()
        assert await house.counter() == (14, 0)


async def test_the_row_of_no_particular_instance_is_the_one(till_url: str, tmp_path: Path) -> None:
    red = {"location": "london", "product": TEA, "units": 5.0, "attributesetinstance_id": "red"}
    async with till_house(
        till_url, tmp_path, prepared=[sa.insert(schema.stockcurrent).values(red)], stock_movements=True
    ) as house:
        await told(house, adjustment(-3))
        assert await house.counted() == [5, 9]


async def test_many_movements_at_once_all_count(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        answers = await asyncio.gather(*(told(house, adjustment(-1, f"k{number}")) for number in range(12)))
        assert answers == [Done(moved_stock=True)] * 12
        assert await house.counted() == [0]
        assert len(await house.diary()) == 12


# ------------------------------------------------------------------------------------------------ lost answers


@contextlib.contextmanager
def lost(*, after: bool) -> Iterator[list[object]]:
    """The connection breaks once while a transaction is ended: after the till has committed it, or before."""
    broken: list[object] = []
    file, server = SQLiteTill._commit, ServerTill._commit

    def of_file(till: SQLiteTill, conn: Any) -> None:
        if broken or after:
            file(till, conn)
        _break(broken)

    async def of_server(till: ServerTill, conn: Any) -> None:
        if broken or after:
            await server(till, conn)
        _break(broken)

    with patch.object(SQLiteTill, "_commit", of_file), patch.object(ServerTill, "_commit", of_server):
        yield broken


def _break(broken: list[object]) -> None:
    if not broken:
        broken.append(1)
        raise sa.exc.DBAPIError("COMMIT", None, ConnectionResetError("the connection broke"))


@pytest.mark.parametrize("after", [True, False])
async def test_a_movement_whose_answer_was_lost_moves_units_once(till_url: str, tmp_path: Path, after: bool) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        with lost(after=after) as broken:
            await house.web_sells(3)
            assert broken
            await house.later()
        assert await house.counted() == [9]
        assert len(await house.diary()) == 1
        await house.later()
        assert await house.counter() == (9, 0)
        assert await house.states() == ["SETTLED"]


async def test_a_lost_answer_is_unknown_and_can_be_looked_up(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        for after, found in ((True, Done(moved_stock=True)), (False, None)):
            command = adjustment(-1, f"lost-{after}")
            with lost(after=after):
                assert isinstance(await told(house, command), OutcomeUnknownError)
            assert await house.channel.find(command, None, DEADLINE) == found


async def test_a_count_that_is_not_written_with_its_entry_would_be_noticed(till_url: str, tmp_path: Path) -> None:
    """The proof that the tests above can fail: an entry without its count moves nothing."""
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        with patch.object(Counts, "move", lambda *_: None):
            await told(house, adjustment(-3))
        assert (await house.counted(), len(await house.diary())) == ([12], 1)


# ------------------------------------------------------------------------------------------------ faults


async def test_a_till_that_is_down_is_told_later(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        await house.sandbox.fault("down")
        assert isinstance(await told(house, adjustment(-1)), UnavailableError)
        await house.web_sells(3)
        assert await house.counter() == (12, 3)
        await house.sandbox.fault("ok")
        await house.later()
        await house.later()
        assert await house.counted() == [9]
        assert await house.counter() == (9, 0)


async def test_a_till_that_hangs_may_have_taken_it_and_takes_it_once(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        await house.sandbox.fault("hang")
        with pytest.raises(OutcomeUnknownError):
            await house.channel.send([adjustment(-3)], timedelta(seconds=0.5))
        await house.sandbox.fault("ok")
        assert await told(house, adjustment(-3)) == Done(moved_stock=True)
        assert await house.counted() == [9]


async def test_a_user_that_may_not_write_is_told_to_what(till_url: str, tmp_path: Path) -> None:
    if till_url.startswith("sqlite"):
        pytest.skip("a file knows no users")
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        server = sa.make_url(till_url)
        mariadb = server.drivername == "mariadb"
        await execute(server, "CREATE USER reader")
        readable = f"ON {server.database}.* TO reader" if mariadb else "TO reader"
        if mariadb:
            await execute(server, f"GRANT SELECT {readable}")
        else:
            await house.execute(sa.text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
        address = server.set(username="reader").render_as_string(hide_password=False)
        async with till_house(till_url, tmp_path, url=address, stock_movements=True) as reading:
            answer = await told(reading, adjustment(-3))
        if not mariadb:
            await house.execute(sa.text("DROP OWNED BY reader"))
        await execute(server, "DROP USER reader")
        assert type(answer) is AuthError
        assert "may not write to stockdiary; grant SELECT, INSERT and UPDATE" in str(answer)
        assert await house.counted() == [12]


# ------------------------------------------------------------------------------------------------ what is allowed


async def test_a_till_that_is_only_read_offers_no_writes(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path) as house:
        assert house.channel.writes == {}
        await house.execute(sa.schema.DropTable(schema.stockdiary))  # nor does it look into the ledger
        await house.later()
        assert await house.counter() == (12, 0)


async def test_a_count_that_we_never_moved_is_told_as_before(till_url: str, tmp_path: Path) -> None:
    async with till_house(till_url, tmp_path, stock_movements=True) as house:
        await house.web_sells(3)
        page = await house.channel.page("stock", None, None, DEADLINE)
        items = {raw.id: raw.data for raw in page.items}
        named = {id_: data["contains"] for id_, data in items.items() if "contains" in data}
        assert named == {f"london/{TEA}": [entry.id.removeprefix("gw-") for entry in await house.diary()]}
        house.clock.forward(days=8)
        page = await house.channel.page("stock", None, None, DEADLINE)
        assert not any("contains" in raw.data for raw in page.items)
