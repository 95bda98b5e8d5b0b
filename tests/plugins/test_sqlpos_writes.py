"""Writes of the gateway to a till, through the till's real database: executed once, and proved by the till itself."""

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
from gateway_sqlpos.database import ServerDatabase, SQLiteDatabase
from gateway_sqlpos.stock_diary import StockCounts, get_reason_code
from gateway_sqlpos_sandbox import schema
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.plugins.conftest import execute
from tests.plugins.sqlpos_gateway import TEA, TillTestbed, open_till_testbed

pytestmark = [pytest.mark.anyio, pytest.mark.long]
DEADLINE = timedelta(seconds=20)


def build_adjustment(delta: int, key: str = "k1", *, product: str = TEA, location: str = "london") -> AdjustStock:
    return AdjustStock(key=key, subject=Ref(product), place=location, delta=delta, reason=MovementReason.SALE)


async def send_command(testbed: TillTestbed, command: AdjustStock) -> Outcome | ChannelError:
    (answer,) = await testbed.channel.send([command], DEADLINE)
    return answer


async def test_a_sale_elsewhere_is_in_the_tills_count_and_its_ledger_proves_it(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        await testbed.sell_on_web(3)
        assert await testbed.list_till_counts() == [9]
        (entry,) = await testbed.list_diary_rows()
        assert (entry.product, entry.location, entry.units, entry.reason, entry.price) == (TEA, "london", -3, -1, 2.55)
        await testbed.advance()
        assert await testbed.read_counter() == (9, 0)
        assert await testbed.list_reservation_states() == ["SETTLED"]


async def test_a_command_that_is_sent_twice_moves_units_once(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        assert await send_command(testbed, build_adjustment(-3)) == Done(moved_stock=True)
        assert await send_command(testbed, build_adjustment(-3)) == Done(moved_stock=True)
        assert await testbed.list_till_counts() == [9]
        assert len(await testbed.list_diary_rows()) == 1


async def test_what_the_till_does_not_know_is_refused(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        answers = [
            await send_command(testbed, build_adjustment(-1, product="nothing")),
            await send_command(testbed, build_adjustment(-1, location="nowhere")),
        ]
        codes = [answer.code for answer in answers if isinstance(answer, Refused)]
        assert codes == ["NO_PRODUCT", "NO_LOCATION"]
        assert await testbed.list_diary_rows() == []


@pytest.mark.parametrize(
    ("reason", "came", "went"),
    [("SALE", 2, -1), ("CANCELLATION", 2, -1), ("RECEIVED", 1, -4), ("DAMAGE", 4, -3), ("COUNT", 4, -4)],
)
def test_the_tills_books_have_a_word_for_it(reason: str, came: int, went: int) -> None:
    assert (get_reason_code(MovementReason(reason), 1), get_reason_code(MovementReason(reason), -1)) == (came, went)


# ------------------------------------------------------------------------------------------------ several rows


async def test_where_no_row_counts_the_first_movement_writes_one(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        assert await testbed.list_till_counts("MUG-2") == []
        await send_command(testbed, build_adjustment(2, product=derive_product_id("MUG-2")))
        assert await testbed.list_till_counts("MUG-2") == [2]


async def test_where_several_rows_count_exactly_one_is_changed(till_url: str, tmp_path: Path) -> None:
    duplicate = sa.insert(schema.stockcurrent).values(location="london", product=TEA, units=5.0)
    async with open_till_testbed(till_url, tmp_path, prepared=[duplicate], stock_movements=True) as testbed:
        assert await testbed.list_till_counts() == [5, 12]
        await send_command(testbed, build_adjustment(-3))
        assert sum(await testbed.list_till_counts()) == 14
        assert len({*await testbed.list_till_counts()} & {5, 12}) == 1
        await testbed.advance()
        assert await testbed.read_counter() == (14, 0)


async def test_the_row_of_no_particular_instance_is_the_one(till_url: str, tmp_path: Path) -> None:
    red = {"location": "london", "product": TEA, "units": 5.0, "attributesetinstance_id": "red"}
    prepared = [
        sa.insert(schema.attributeset).values(id="colour", name="Colour"),
        sa.insert(schema.attributesetinstance).values(id="red", attributeset_id="colour"),
        sa.insert(schema.stockcurrent).values(red),
    ]
    async with open_till_testbed(till_url, tmp_path, prepared=prepared, stock_movements=True) as testbed:
        await send_command(testbed, build_adjustment(-3))
        assert await testbed.list_till_counts() == [5, 9]


async def test_many_movements_at_once_all_count(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        answers = await asyncio.gather(
            *(send_command(testbed, build_adjustment(-1, f"k{number}")) for number in range(12))
        )
        assert answers == [Done(moved_stock=True)] * 12
        assert await testbed.list_till_counts() == [0]
        assert len(await testbed.list_diary_rows()) == 12


# ------------------------------------------------------------------------------------------------ lost responses


@contextlib.contextmanager
def lose_commit(*, after: bool) -> Iterator[list[object]]:
    """Break the connection once at the end of a transaction: after the commit, or before it."""
    broken: list[object] = []
    file, server = SQLiteDatabase._commit, ServerDatabase._commit

    def commit_file(till: SQLiteDatabase, conn: Any) -> None:
        if broken or after:
            file(till, conn)
        _break(broken)

    async def commit_server(till: ServerDatabase, conn: Any) -> None:
        if broken or after:
            await server(till, conn)
        _break(broken)

    with patch.object(SQLiteDatabase, "_commit", commit_file), patch.object(ServerDatabase, "_commit", commit_server):
        yield broken


def _break(broken: list[object]) -> None:
    if not broken:
        broken.append(1)
        raise sa.exc.DBAPIError("COMMIT", None, ConnectionResetError("the connection broke"))


@pytest.mark.parametrize("after", [True, False])
async def test_a_movement_whose_answer_was_lost_moves_units_once(till_url: str, tmp_path: Path, after: bool) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        with lose_commit(after=after) as broken:
            await testbed.sell_on_web(3)
            assert broken
            await testbed.advance()
        assert await testbed.list_till_counts() == [9]
        assert len(await testbed.list_diary_rows()) == 1
        await testbed.advance()
        assert await testbed.read_counter() == (9, 0)
        assert await testbed.list_reservation_states() == ["SETTLED"]


async def test_a_lost_answer_is_unknown_and_can_be_looked_up(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        for after, found in ((True, Done(moved_stock=True)), (False, None)):
            command = build_adjustment(-1, f"lost-{after}")
            with lose_commit(after=after):
                assert isinstance(await send_command(testbed, command), OutcomeUnknownError)
            assert await testbed.channel.find(command, None, DEADLINE) == found


async def test_a_count_that_is_not_written_with_its_entry_would_be_noticed(till_url: str, tmp_path: Path) -> None:
    """Proof that the tests above can fail: a diary row without its sum moves nothing."""
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        with patch.object(StockCounts, "add_units", lambda *_: None):
            await send_command(testbed, build_adjustment(-3))
        assert (await testbed.list_till_counts(), len(await testbed.list_diary_rows())) == ([12], 1)


# ------------------------------------------------------------------------------------------------ faults


async def test_a_till_that_is_down_gets_the_adjustment_later(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        await testbed.sandbox.fault("down")
        assert isinstance(await send_command(testbed, build_adjustment(-1)), UnavailableError)
        await testbed.sell_on_web(3)
        assert await testbed.read_counter() == (12, 3)
        await testbed.sandbox.fault("ok")
        await testbed.advance()
        await testbed.advance()
        assert await testbed.list_till_counts() == [9]
        assert await testbed.read_counter() == (9, 0)


async def test_a_till_that_hangs_may_have_taken_it_and_takes_it_once(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        await testbed.sandbox.fault("hang")
        with pytest.raises(OutcomeUnknownError):
            await testbed.channel.send([build_adjustment(-3)], timedelta(seconds=0.5))
        await testbed.sandbox.fault("ok")
        assert await send_command(testbed, build_adjustment(-3)) == Done(moved_stock=True)
        assert await testbed.list_till_counts() == [9]


async def test_a_database_user_that_may_not_write_gets_the_name_of_the_table(till_url: str, tmp_path: Path) -> None:
    if till_url.startswith("sqlite"):
        pytest.skip("a file knows no users")
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        server = sa.make_url(till_url)
        mariadb = server.drivername == "mariadb"
        await execute(server, "CREATE USER reader")
        readable = f"ON {server.database}.* TO reader" if mariadb else "TO reader"
        if mariadb:
            await execute(server, f"GRANT SELECT {readable}")
        else:
            await testbed.execute(sa.text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
        address = server.set(username="reader").render_as_string(hide_password=False)
        async with open_till_testbed(till_url, tmp_path, url=address, stock_movements=True) as reading:
            answer = await send_command(reading, build_adjustment(-3))
        if not mariadb:
            await testbed.execute(sa.text("DROP OWNED BY reader"))
        await execute(server, "DROP USER reader")
        assert type(answer) is AuthError
        assert "has no permission to write to stockdiary; grant SELECT, INSERT and UPDATE" in str(answer)
        assert await testbed.list_till_counts() == [12]


# ------------------------------------------------------------------------------------------------ configuration


async def test_a_till_that_is_only_read_offers_no_writes(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path) as testbed:
        assert testbed.channel.writes == {}
        await testbed.execute(sa.schema.DropTable(schema.stockdiary))  # it does not read the diary either
        await testbed.advance()
        assert await testbed.read_counter() == (12, 0)


async def test_a_count_that_we_never_changed_is_reported_as_before(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, stock_movements=True) as testbed:
        await testbed.sell_on_web(3)
        page = await testbed.channel.page("stock", None, None, DEADLINE)
        items = {raw.id: raw.data for raw in page.items}
        named = {id_: data["contains"] for id_, data in items.items() if "contains" in data}
        assert named == {f"london/{TEA}": [entry.id.removeprefix("gw-") for entry in await testbed.list_diary_rows()]}
        testbed.clock.forward(days=8)
        page = await testbed.channel.page("stock", None, None, DEADLINE)
        assert not any("contains" in raw.data for raw in page.items)
