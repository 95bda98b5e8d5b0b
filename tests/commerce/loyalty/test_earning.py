"""Orders of channels earn points: once, to the right account, whenever they arrive (rules Y1, Y2, Y3, Y6, Y9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.commerce.loyalty import order_facts, posting
from gateway.sdk.testing.record_builders import build_customer, build_line
from gateway.storage.database import Connection
from tests.commerce.loyalty.programs import open_program

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


async def test_a_receipt_earns_once_however_often_it_is_sent(database_url: str) -> None:
    async with open_program(database_url) as program:
        program.sell("1042", "32.90")
        await program.sync()
        program.sell("1042", "32.90", id="row-sent-again")
        await program.sync()
        await program.sync()
        assert await program.read_accounts() == {"card:C1": 32}
        assert await program.read_entries() == [("EARN", 32)]


@pytest.mark.torture
async def test_the_proof_that_rows_of_the_till_would_earn_twice(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_facts, "build_receipt_key", lambda order, _: f"{order.channel}/{order.external_id}")
    async with open_program(database_url) as program:
        program.sell("1042", "32.90")
        program.sell("1042", "32.90", id="row-sent-again")
        await program.sync()
        assert await program.read_accounts() == {"card:C1": 64}


async def test_a_corrected_receipt_posts_the_difference(database_url: str) -> None:
    async with open_program(database_url) as program:
        program.sell("1", "50.00")
        await program.sync()
        program.sell("1", "20.00")
        await program.sync()
        program.sell("1", "20.00", status="CANCELLED")
        await program.sync()
        assert await program.read_entries() == [("EARN", 50), ("REVERSE", -30), ("REVERSE", -20)]
        assert await program.read_accounts() == {"card:C1": 0}


async def test_a_return_before_its_purchase_waits_for_it(database_url: str) -> None:
    async with open_program(database_url) as program:
        program.sell("2", "", id="back", reverses="row-1", lines=[build_line("b", "t-mug", -1, "10.00")])
        await program.sync()
        assert await program.read_accounts() == {}
        program.sell("1", "30.00", placed_at=program.clock() - timedelta(hours=1))
        await program.sync()
        assert await program.read_accounts() == {"card:C1": 20}
        assert sorted(await program.read_entries()) == [("EARN", 30), ("REVERSE", -10)]


async def test_a_return_with_the_number_of_its_purchase_takes_back_its_points_only(database_url: str) -> None:
    """Some tills print the receipt of a return under the number of the purchase."""
    async with open_program(database_url) as program:
        program.sell("1", "30.00")
        await program.sync()
        program.sell("1", "", id="back", reverses="row-1", lines=[build_line("b", "t-mug", -1, "10.00")])
        await program.sync()
        assert sorted(await program.read_entries()) == [("EARN", 30), ("REVERSE", -10)]
        program.sell("9", "50.00")
        await program.sync()
        assert await program.read_accounts() == {"card:C1": 70}


async def test_points_belong_to_the_card_not_to_who_shows_it(database_url: str) -> None:
    """Bob's record has Ada's card, too: what he buys counts for Ada's account, once (rule Y1)."""
    async with open_program(database_url) as program:
        program.till.put("customers", build_customer("bob", name="Bob Bee", card="C1"))
        await program.sync()
        program.sell("1", "10.00")
        program.sell("2", "5.00", customer="bob")
        await program.sync()
        assert await program.read_accounts() == {"card:C1": 15}


async def test_a_purchase_without_a_card_belongs_to_its_identity(database_url: str) -> None:
    async with open_program(database_url) as program:
        program.sell("1", "10.00", customer="bob")
        program.sell("2", "10.00", customer=None)
        await program.sync()
        (key,) = await program.read_accounts()
        assert key.startswith("home:")


async def test_an_order_before_its_customer_earns_when_the_customer_arrives(database_url: str) -> None:
    async with open_program(database_url) as program:
        program.sell("1", "10.00", customer="eve")
        await program.sync()
        assert await program.read_accounts() == {}
        program.till.put("customers", build_customer("eve", name="Eve", card="C9"))
        await program.sync()
        assert await program.read_accounts() == {"card:C9": 10}


async def test_a_receipt_of_another_customer_moves_its_points(database_url: str) -> None:
    async with open_program(database_url) as program:
        program.sell("1", "10.00", customer="bob")
        await program.sync()
        program.sell("1", "10.00", customer="ada")
        await program.sync()
        accounts = await program.read_accounts()
        assert accounts.pop("card:C1") == 10 and list(accounts.values()) == [0]


async def test_points_expire_and_come_back_with_a_late_redemption(database_url: str) -> None:
    async with open_program(database_url) as program:
        program.sell("1", "10.00")
        await program.sync()
        program.clock.forward(days=99)
        await program.gateway.run_due()
        assert await program.read_accounts() == {"card:C1": 10}
        program.clock.forward(days=2)
        await program.gateway.run_due()
        assert await program.read_accounts() == {"card:C1": 0}
        assert await program.read_entries() == [("EARN", 10), ("EXPIRE", -10)]


async def test_a_tier_multiplies_later_purchases_only(database_url: str) -> None:
    async with open_program(database_url) as program:
        program.sell("1", "250.00", placed_at=program.clock() - timedelta(hours=2))
        await program.sync()
        program.sell("2", "10.00")
        await program.sync()
        assert await program.read_accounts() == {"card:C1": 270}


@pytest.mark.long
async def test_a_new_program_counts_what_was_sold_since_it_began(database_url: str) -> None:
    """Orders that were stored before there was a program are looked at once, in slices."""
    async with open_program(database_url, rates={}) as program:
        program.sell("1", "10.00")
        program.sell("0", "10.00", placed_at=program.clock() - timedelta(days=3_000))
        await program.sync()
    async with open_program(database_url) as program:
        await program.gateway.database.write(_forget_reader)
        await program.gateway.run_due()
        assert await program.read_accounts() == {"card:C1": 10}


def _forget_reader(conn: Connection) -> None:
    conn.exec_driver_sql("DELETE FROM log_readers WHERE name = 'loyalty'")


async def test_a_process_that_is_killed_while_it_posts_posts_nothing_twice(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The position in the change log is stored in the transaction that posts."""
    async with open_program(database_url) as program:
        program.sell("1", "10.00")
        with monkeypatch.context() as patched:
            patched.setattr(posting, "_explain", fail)
            with pytest.raises(ZeroDivisionError):
                await program.sync()
        assert await program.read_entries() == []
        await program.gateway.run_due()
        await program.gateway.run_due()
        assert await program.read_entries() == [("EARN", 10)]


def fail(*_: object) -> None:
    raise ZeroDivisionError
