"""Secrets: who can read the database cannot sign, and what was signed with a replaced secret stays valid."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.commerce import tokens
from gateway.commerce.fulfillment import pickup_codes
from gateway.runtime.signing_secrets import MISSING_NOTICE, SHORT_NOTICE, STORED_NOTICE
from gateway.settings.problems import SettingsError
from gateway.storage import file_access, instance_secret
from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import SELLING, TABLES, Shopper, build_stores, run_as_staff
from tests.graphql.world import PRODUCTION, World, open_world

OLD, NEW = "old-" + "o" * 40, "new-" + "n" * 40
CART = "query ($access: String!) { cart(token: $access) { version } }"
ORDER = "query ($access: String!) { order(by: { accessToken: $access }) { fulfillments { pickupCode } } }"


def build_tables(mode: str = "production", **selling: Any) -> dict[str, Any]:
    tokens = PRODUCTION["tokens"]
    return {**TABLES, "server": {"mode": mode}, "selling": {**SELLING, **selling}, "tokens": tokens}


@contextlib.asynccontextmanager
async def open_shop(url: str, mode: str = "production", **selling: Any) -> AsyncIterator[World]:
    async with open_world(url, build_stores(), **build_tables(mode, **selling)) as world:
        yield world


async def order_pickup(shopper: Shopper) -> dict[str, Any]:
    """Place an order to be collected in London, and mark it as ready."""
    await shopper.fill("web", MUG=1)
    payload = await shopper.buy(await shopper.find_option("PICKUP", "london"))
    assert list_user_error_codes(payload) == []
    order: dict[str, Any] = payload["order"]
    (part,) = order["fulfillments"]
    total = {"amount": order["total"]["amount"], "currencyCode": "GBP"}
    payment = {"kind": "PROVIDER", "provider": "stripe", "amount": total}
    await run_as_staff(shopper.world, "orderPaymentRecord", orderId=order["id"], payment=payment)
    ready = {"fulfillmentId": part["id"], "version": part["version"]}
    assert list_user_error_codes(await run_as_staff(shopper.world, "fulfillmentMarkReady", **ready)) == []
    return order


async def collect(world: World, order: dict[str, Any], **proof: str) -> list[str]:
    (part,) = order["fulfillments"]
    return list_user_error_codes(await run_as_staff(world, "fulfillmentCollect", fulfillmentId=part["id"], **proof))


# ------------------------------------------------------------------------------------------------ secrets


@pytest.mark.anyio
@pytest.mark.any_database
async def test_production_does_not_start_without_a_secret_of_the_configuration(database_url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        async with open_shop(database_url):
            pass
    assert refused.value.problems == (MISSING_NOTICE,)
    database = Database(database_url)
    assert await database.read(instance_secret.find_secret) is None, "none is made up"
    await database.close()


@pytest.mark.anyio
@pytest.mark.any_database
async def test_what_the_secret_in_the_database_has_signed_stays_valid_in_production(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_shop(database_url, "development") as world:
        shopper = Shopper(world)
        order = await order_pickup(shopper)
        await shopper.fill("web", MUG=1)
        option = await shopper.find_option("SHIPPING", "depot")
        code = order["fulfillments"][0]["pickupCode"]
    with caplog.at_level(logging.WARNING):
        async with open_shop(database_url, secret=NEW) as world:
            world.clock.forward(minutes=1)
            assert (await world.client.fetch_data(CART, access=shopper.cart["token"]))["cart"] == {"version": 1}
            shown = await world.client.fetch_data(ORDER, access=order["accessToken"])
            assert shown["order"]["fulfillments"][0]["pickupCode"] != code, "it is that of the new secret"
            later = Shopper(world, cart=shopper.cart)
            assert list_user_error_codes(await later.buy(option)) == []
            assert await collect(world, order, pickupCode=code) == []
    assert STORED_NOTICE in caplog.text


@pytest.mark.anyio
@pytest.mark.any_database
async def test_a_replaced_secret_is_accepted_until_it_is_removed(database_url: str) -> None:
    async with open_shop(database_url, secret=OLD) as world:
        shopper = Shopper(world)
        await shopper.fill("web", MUG=1)
    for selling, expected in (
        ({"secret": NEW, "previous_secrets": [OLD]}, {"version": 1}),
        ({"secret": NEW}, None),
    ):
        async with open_shop(database_url, **selling) as world:
            assert (await world.client.fetch_data(CART, access=shopper.cart["token"]))["cart"] == expected


@pytest.mark.anyio
@pytest.mark.any_database
async def test_a_short_secret_is_reported(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with open_shop(database_url, secret="short"):
            pass
    assert SHORT_NOTICE in caplog.text and "'short'" not in caplog.text


def test_secrets_are_in_no_repr() -> None:
    from gateway.commerce.config import SellingConfig
    from gateway.commerce.topology import Topology
    from gateway.settings.loading import parse

    config = SellingConfig(topology=Topology(), secret=OLD.encode(), previous_secrets=(NEW.encode(),))
    settings = parse({"selling": {"secret": OLD, "previous_secrets": [NEW]}}, {})
    assert OLD not in f"{config!r}{settings!r}" and NEW not in f"{config!r}{settings!r}"


# ------------------------------------------------------------------------------------------------ pickup codes


def test_the_code_of_rotation_zero_is_that_of_earlier_versions() -> None:
    assert tokens.compute_pickup_code(b"secret", "f" * 32, 0)
    codes = {tokens.compute_pickup_code(b"secret", "f" * 32, rotation) for rotation in range(5)}
    assert len(codes) == 5


@pytest.mark.anyio
@pytest.mark.any_database
async def test_a_new_code_voids_the_old_one(database_url: str) -> None:
    async with open_shop(database_url, "development") as world:
        order = await order_pickup(Shopper(world))
        (part,) = order["fulfillments"]
        id_ = (await find_rows(world))[0].id
        context = build_context(world)
        assert (await world.gateway.database.write(pickup_codes.renew_code, id_, context)).done
        shown = await world.client.fetch_data(ORDER, access=order["accessToken"])
        new = shown["order"]["fulfillments"][0]["pickupCode"]
        assert await collect(world, order, pickupCode=part["pickupCode"]) == ["CODE_WRONG"]
        assert await collect(world, order, pickupCode=new) == []


@pytest.mark.anyio
@pytest.mark.any_database
async def test_a_cancellation_voids_the_code(database_url: str) -> None:
    async with open_shop(database_url, "development") as world:
        shopper = Shopper(world)
        await shopper.fill("web", MUG=1)
        order = (await shopper.buy(await shopper.find_option("PICKUP", "london")))["order"]
        canceled = await run_as_staff(world, "orderCancel", orderId=order["id"], version=order["version"])
        assert list_user_error_codes(canceled) == []
        shown = await world.client.fetch_data(ORDER, access=order["accessToken"])
        assert shown["order"]["fulfillments"] == [{"pickupCode": None}]
        assert [row.code_rotation for row in await find_rows(world)] == [1]


@pytest.mark.anyio
@pytest.mark.any_database
async def test_twenty_wrong_codes_stop_a_caller_but_not_who_is_identified(database_url: str) -> None:
    async with open_shop(database_url, "development") as world:
        orders = [await order_pickup(Shopper(world)) for _ in range(6)]
        for number in range(20):
            assert await collect(world, orders[number // 4], pickupCode="wrong") == ["CODE_WRONG"]
        right = orders[5]["fulfillments"][0]["pickupCode"]
        assert await collect(world, orders[5], pickupCode=right) == ["TOO_MANY_ATTEMPTS"]
        assert await collect(world, orders[4], orderAccessToken=orders[3]["accessToken"]) == ["CODE_WRONG"]
        assert await collect(world, orders[4], orderAccessToken=orders[4]["accessToken"]) == []
        assert await collect(world, orders[3], identification="Ada Lovelace, passport") == []
        world.clock.forward(hours=1, seconds=1)
        assert await collect(world, orders[5], pickupCode=right) == []


@pytest.mark.anyio
@pytest.mark.any_database
async def test_goods_are_collected_with_exactly_one_proof(database_url: str) -> None:
    async with open_shop(database_url, "development") as world:
        order = await order_pickup(Shopper(world))
        (part,) = order["fulfillments"]
        for proof in ({}, {"pickupCode": " "}, {"pickupCode": part["pickupCode"], "identification": "Ada"}):
            given = {"fulfillmentId": part["id"], "idempotencyKey": "k", **proof}
            query = """mutation ($input: FulfillmentCollectInput!) {
                fulfillmentCollect(input: $input) { fulfillment { status } } }"""
            answer = await world.client.ask(query, "admin-secret", input=given)
            assert answer.codes == ["BAD_USER_INPUT"]
        assert await collect(world, order, pickupCode=part["pickupCode"]) == []


def build_context(world: World) -> Any:
    from gateway.commerce.context import SellingContext

    return SellingContext(world.gateway.selling, world.clock())


async def find_rows(world: World) -> list[Any]:
    import sqlalchemy as sa

    from gateway.storage import tables

    rows = await world.gateway.database.read(lambda conn: conn.execute(sa.select(tables.fulfillments)).all())
    return list(rows)


# ------------------------------------------------------------------------------------------------ files


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Files are readable by everybody unless their creator says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def list_modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def use_database(path: Path) -> dict[str, int]:
    """Open and migrate a database, and list the modes of its files while it is open."""
    database = Database(f"sqlite:///{path}")
    await migrate(database)
    modes = list_modes(path.parent)
    await database.close()
    return modes


@pytest.mark.anyio
async def test_the_files_of_a_database_are_their_owner_s_alone(tmp_path: Path, open_umask: None) -> None:
    modes = await use_database(tmp_path / "gateway.db")
    assert set(modes) == {"gateway.db", "gateway.db-wal", "gateway.db-shm"}
    assert set(modes.values()) == {0o600}


@pytest.mark.anyio
async def test_the_proof_that_files_would_be_open_otherwise(
    tmp_path: Path, open_umask: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.storage.sqlite_backend.protect_files", lambda _: None)
    assert set((await use_database(tmp_path / "gateway.db")).values()) == {0o644}


@pytest.mark.anyio
async def test_existing_files_are_taken_from_others(tmp_path: Path, open_umask: None) -> None:
    path = tmp_path / "gateway.db"
    await use_database(path)
    path.chmod(0o664)
    (tmp_path / "gateway.db-wal").write_bytes(b"")
    assert set((await use_database(path)).values()) == {0o600}


def test_files_whose_mode_cannot_be_changed_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"")
    path.chmod(0o644)

    def refuse_change(*_: object) -> None:
        raise PermissionError("not the owner")

    monkeypatch.setattr(Path, "chmod", refuse_change)
    file_access.protect_files(path)
    assert f"{path} can be read by others than its owner" in caplog.text
