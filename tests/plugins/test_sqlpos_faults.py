"""Errors of a till's database and the messages of the plugin."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.sdk import AuthError, Channel, ChannelError, ContractError, LiveFeed, UnavailableError
from gateway.sdk.testing.sandbox import SandboxError, UnsupportedFaultError
from gateway_sqlpos import open_channel
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos_sandbox import schema
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.plugins.conftest import MakeTill, OpenTill, build_context, execute

pytestmark = pytest.mark.anyio
SECRET = "s3cret-and-unmistakable"


async def read_first_page_error(channel: Channel, feed: int = 0) -> ChannelError:
    """Read the error of the first page of a feed."""
    with pytest.raises(ChannelError) as caught:
        await channel.feeds[feed].page(None, None)
    return caught.value


async def list_feed_errors(till: OpenTill) -> list[ChannelError]:
    """List the errors of all feeds."""
    return [await read_first_page_error(till.channel, index) for index in range(len(till.channel.feeds))]


async def test_a_till_that_is_down_is_unavailable_and_heals_by_itself(open_till: MakeTill) -> None:
    till = await open_till()
    await till.read_items("products")
    await till.sandbox.fault("down")
    assert {type(error) for error in await list_feed_errors(till)} == {UnavailableError}
    with pytest.raises(UnavailableError):
        await till.channel.places()
    await till.sandbox.fault("ok")
    assert len(await till.read_items("products")) == 3


async def test_a_till_that_hangs_is_given_up_at_the_deadline_and_heals_by_itself(open_till: MakeTill) -> None:
    till = await open_till()
    await till.sandbox.fault("hang")
    for feed in till.channel.feeds:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await feed.page(None, None)
    await till.sandbox.fault("ok")
    assert len(await till.read_items("products")) == 3


@pytest.mark.parametrize("mode", ["down", "hang"])
async def test_sales_during_an_outage_are_read_afterwards(open_till: MakeTill, mode: str) -> None:
    till = await open_till()
    mark = await till.mark()
    await till.sandbox.fault(mode)
    sale = await till.sandbox.sell("TEA-1", 2, "leeds")
    with pytest.raises(SandboxError):
        await till.sandbox.sell("NONE-1", 2, "leeds")
    await till.sandbox.fault("ok")
    assert sale in {raw.id for raw in await till.read_items("receipts", mark)}
    tea = f"leeds/{derive_product_id('TEA-1')}"
    assert till.read("stock", (await till.fetch_records("stock", tea))[tea]).on_hand == 1


async def test_a_fault_that_is_for_some_time_ends_by_itself(open_till: MakeTill) -> None:
    till = await open_till()
    await till.sandbox.fault("hang", seconds=0.05)
    async with asyncio.timeout(10):
        assert len(await till.read_items("products")) == 3


async def test_a_fault_that_a_database_cannot_have_is_refused(open_till: MakeTill) -> None:
    till = await open_till()
    with pytest.raises(UnsupportedFaultError, match="does not support the fault throttle"):
        await till.sandbox.fault("throttle")
    with pytest.raises(SandboxError, match="expected one of ok, down, hang"):
        await till.sandbox.fault("sulk")


async def test_a_table_that_is_missing_is_named(open_till: MakeTill) -> None:
    till = await open_till(foreign_keys=False)
    await till.execute(sa.schema.DropTable(schema.customers))
    error = await read_first_page_error(till.channel, 2)
    assert type(error) is ContractError
    assert "has no customers; correct the layout" in str(error)
    assert len(await till.read_items("products")) == 3


async def test_a_column_that_is_missing_is_named(open_till: MakeTill) -> None:
    till = await open_till(layout={"products": {"price": "pricesale"}})
    error = await read_first_page_error(till.channel)
    assert type(error) is ContractError
    assert "pricesale" in str(error)


async def test_a_user_that_the_server_does_not_let_in_is_an_auth_error(open_till: MakeTill, till_url: str) -> None:
    if till_url.startswith("sqlite"):
        pytest.skip("a file knows no users")
    await open_till()
    channel = open_channel_at(sa.make_url(till_url).set(username="unknown", password=SECRET))
    error = await read_first_page_error(channel)
    assert type(error) is AuthError
    assert "check the user and the password" in str(error)
    assert SECRET not in repr(error) + str(error)
    await channel.close()


async def test_a_database_user_that_may_not_read_a_table_gets_its_name(open_till: MakeTill, till_url: str) -> None:
    if till_url.startswith("sqlite"):
        pytest.skip("a file knows no users")
    await open_till()
    server = sa.make_url(till_url)
    mariadb = server.drivername == "mariadb"
    await execute(server, "CREATE USER clerk")
    if mariadb:  # a user without privileges cannot connect
        await execute(server, f"GRANT SELECT ON {server.database}.locations TO clerk")
    channel = open_channel_at(server.set(username="clerk"))
    error = await read_first_page_error(channel)
    await channel.close()
    await execute(server, "DROP USER clerk")
    assert type(error) is AuthError
    assert "has no permission to read products; grant SELECT" in str(error)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    channel = open_channel_at(sa.make_url(f"postgresql://till:{SECRET}@127.0.0.1:1/till"))
    error = await read_first_page_error(channel)
    assert type(error) is UnavailableError
    assert SECRET not in repr(error) + str(error)
    await channel.close()


async def test_a_file_that_is_no_database_is_a_broken_contract(tmp_path: Path) -> None:
    path = tmp_path / "till.db"
    path.write_text("not a database at all, and long enough to be read as a header" * 10)
    error = await read_first_page_error(open_channel_at(sa.URL.create("sqlite", database=str(path))))
    assert type(error) is ContractError
    assert "not a SQLite database" in str(error)


async def test_reading_never_creates_a_file_and_never_writes(tmp_path: Path, open_till: MakeTill) -> None:
    path = tmp_path / "nothing-here.db"
    assert (
        type(await read_first_page_error(open_channel_at(sa.URL.create("sqlite", database=str(path)))))
        is UnavailableError
    )
    assert not path.exists()
    till = await open_till()
    feed = till.feed("products")
    write = sa.delete(schema.products)
    with pytest.raises(ChannelError):
        await feed._till.read(lambda till: till.conn.execute(write))  # type: ignore[attr-defined]
    assert len(await till.read_items("products")) == 3


def open_channel_at(url: sa.URL) -> Channel:
    address = url.render_as_string(hide_password=False)
    config = SqlPosConfig.model_validate({"url": address, "currency": "GBP", "time_zone": "Europe/London"})
    channel = open_channel(config, build_context())
    assert all(isinstance(feed, LiveFeed) for feed in channel.feeds)
    assert SECRET not in repr(config) + repr(channel)
    return channel
