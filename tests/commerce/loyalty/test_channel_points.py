"""Points that a till had before the program, and the gateway's points that a till shows."""

from __future__ import annotations

import pytest

from gateway.sdk import LoyaltyCard
from gateway.sdk.testing.record_builders import build_customer, read_customer
from tests.commerce.loyalty.programs import open_program

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


async def test_points_of_a_till_are_taken_over_once(database_url: str) -> None:
    async with open_program(database_url, opening="till") as program:
        for points in (40, 70):
            program.till.put("customers", {**build_customer("ada", card="C1"), "points": points})
            await program.sync()
            await program.sync()
        assert await program.read_accounts() == {"card:C1": 40}
        assert await program.read_entries() == [("ADJUST", 40)]


@pytest.mark.long
async def test_a_new_program_takes_over_what_was_there_before(database_url: str) -> None:
    async with open_program(database_url) as program:
        program.till.put("customers", {**build_customer("ada", card="C1"), "points": 40})
        await program.sync()
        assert await program.read_accounts() == {}
    async with open_program(database_url, opening="till") as program:
        await program.gateway.database.write(lambda conn: conn.exec_driver_sql("DELETE FROM log_readers"))
        program.till.put("customers", {**build_customer("ada", card="C1"), "points": 40})
        await program.gateway.run_due()
        assert await program.read_accounts() == {"card:C1": 40}


async def test_a_till_shows_the_points_of_the_gateway(database_url: str) -> None:
    async with open_program(database_url, writes=["points"]) as program:
        program.sell("1", "120.00")
        await program.sync()
        await program.gateway.run_due()
        row = program.till.one("customers", "ada")
        assert row is not None and (row["points"], row["tier"]) == (120, "silver")
        sent = await program.count_commands()
        await program.sync()
        assert await program.count_commands() == sent, "what the till shows already is not sent again"


def test_the_number_of_a_card_is_that_of_its_customer() -> None:
    record = read_customer({**build_customer("ada"), "points": 5, "card": "C7"})
    assert record.loyalty == LoyaltyCard(number="C7", points=5) and record.loyalty_number == "C7"


@pytest.mark.parametrize("points", ["5", 1.5, 10**10])
def test_points_that_are_none_are_left_out(points: object) -> None:
    record = read_customer({**build_customer("ada", card="C7"), "points": points})
    assert record.loyalty is None and record.loyalty_number == "C7"
    assert [warning.field for warning in record.warnings] == ["loyalty"]
