"""What customers do with their own data: export it, and have it erased (rules C7, C8, C11, C13)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.customers import accounts
from gateway.model.ids import GlobalId
from gateway.storage.tables import identities, metadata
from tests.graphql.shopper import Shopper, make_key, run_as_staff
from tests.graphql.world import ADMIN
from tests.login.world import LoginWorld, open_login_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

REQUEST = """request { id state downloadUrl downloadUntil executesAt requestedBy
  parts { channel { key } state proof fault { code } } } userErrors { code field }"""
EXPORT = f"mutation ($input: CustomerExportInput!) {{ customerExport(input: $input) {{ {REQUEST} }} }}"
ERASE = f"mutation ($input: CustomerEraseInput!) {{ customerErase(input: $input) {{ {REQUEST} }} }}"
CANCEL = f"mutation ($input: DataRequestCancelInput!) {{ dataRequestCancel(input: $input) {{ {REQUEST} }} }}"
FIND = """query ($id: ID!) { node(id: $id) { ... on DataRequest {
  state downloadUrl parts { channel { key } state fault { code } } customer { id } } } }"""
UNKNOWN = str(GlobalId("DataRequest", ("0" * 32,)))
ZOE = "zoe.zed@example.com"
ME = "{ me { id displayName orders(first: 9) { totalCount } } }"


@pytest.fixture
async def login(database_url: str) -> AsyncIterator[LoginWorld]:
    async with open_login_world(database_url, {"asserts_email": True}, privacy={"cooling_off": "1d"}) as login:
        yield login


async def run(login: LoginWorld, document: str, token: str | None, **given: Any) -> dict[str, Any]:
    """Run a mutation and return its payload."""
    data = await login.fetch_data(document, token, input={"idempotencyKey": make_key(), **given})
    (payload,) = data.values()
    result: dict[str, Any] = payload
    return result


async def buy(login: LoginWorld, token: str | None) -> None:
    shopper = Shopper(login.world, token)
    await shopper.fill("web", MUG=1)
    assert (await shopper.buy(await shopper.find_option("PICKUP", "london")))["userErrors"] == []


async def find_email(login: LoginWorld) -> str:
    def read(conn: Connection) -> str:
        return str(conn.scalar(sa.select(identities.c.emails).where(identities.c.external_id == "person-1")))

    return str(json.loads(await login.world.gateway.database.read(read))[0][0])


async def export(login: LoginWorld, token: str) -> dict[str, Any]:
    request = (await run(login, EXPORT, token))["request"]
    assert (request["state"], request["requestedBy"]) == ("QUEUED", "")
    await login.world.gateway.run_due()
    done: dict[str, Any] = (await login.fetch_data(FIND, token, id=request["id"]))["node"]
    return done


async def test_an_export_has_all_that_is_the_customers_and_nothing_of_others(login: LoginWorld) -> None:
    token = login.log_in()
    await buy(login, token)
    await buy(login, login.log_in("person-2"))
    done = await export(login, token)
    assert done["state"] == "DONE"
    response = await login.world.client.http.get(done["downloadUrl"])
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    data = response.json()["data"]
    assert [row["external_id"] for row in data["identities"]] == ["person-1"]
    assert len(data["orders"]) == 1 and data["order_lines"][0]["order_id"] == data["orders"][0]["id"]
    assert await find_email(login) in response.text
    assert "person-2" not in response.text


async def test_the_file_is_encrypted_and_can_be_downloaded_for_72_hours(login: LoginWorld) -> None:
    done = await export(login, login.log_in())
    email = (await find_email(login)).encode()
    content = await login.world.gateway.database.read(
        lambda conn: conn.scalar(sa.text("SELECT file FROM data_requests WHERE file IS NOT NULL"))
    )
    assert email not in str(content).encode()
    http = login.world.client.http
    forged = done["downloadUrl"][:-1] + ("0" if done["downloadUrl"][-1] != "0" else "1")
    assert [(await http.get(url)).status_code for url in (done["downloadUrl"], forged)] == [200, 404]
    login.world.clock.forward(hours=72, seconds=1)
    assert (await http.get(done["downloadUrl"])).status_code == 404
    await login.world.gateway.purge_expired()
    left = await login.world.gateway.database.read(
        lambda conn: conn.scalar(sa.text("SELECT count(*) FROM data_requests WHERE file IS NOT NULL"))
    )
    assert left == 0


async def test_the_request_of_another_customer_is_unknown(login: LoginWorld) -> None:
    own, other = login.log_in(), login.log_in("person-2")
    request = (await run(login, EXPORT, own))["request"]
    answers = [await login.world.client.ask(FIND, other, id=id_) for id_ in (request["id"], UNKNOWN)]
    assert answers[0].body["data"] == answers[1].body["data"] == {"node": None}
    assert answers[0].codes == answers[1].codes
    refused = await run(login, CANCEL, other, requestId=request["id"])
    assert [error["code"] for error in refused["userErrors"]] == ["NOT_FOUND"]
    assert (await login.world.client.ask(EXPORT, None, input={"idempotencyKey": make_key()})).codes == [
        "UNAUTHENTICATED"
    ]


@pytest.mark.parametrize("claims", [{"age": timedelta(minutes=11)}, {"auth_time": None}])
async def test_an_erase_requires_a_fresh_login(login: LoginWorld, claims: dict[str, Any]) -> None:
    age = claims.pop("age", None)
    if age is not None:
        claims["auth_time"] = int((login.world.clock() - age).timestamp())
    token = login.log_in(**claims)
    await login.fetch_data(ME, token)
    refused = await run(login, ERASE, token, confirm=await find_email(login))
    assert [error["code"] for error in refused["userErrors"]] == ["LOGIN_TOO_OLD"]


async def erase(login: LoginWorld, token: str) -> str:
    """Erase the data of a customer, and return the ID of the request."""
    await login.fetch_data(ME, token)
    payload = await run(login, ERASE, token, confirm=await find_email(login))
    assert payload["userErrors"] == [], payload
    login.world.clock.forward(days=1, seconds=1)
    await login.world.gateway.run_due()
    return str(payload["request"]["id"])


async def test_a_token_from_before_the_erase_is_refused_and_a_later_login_is_new(login: LoginWorld) -> None:
    issued = int(login.world.clock().timestamp())
    token = login.log_in()
    await buy(login, token)
    await erase(login, token)
    login.world.clock.forward(minutes=1)
    late = login.log_in(iat=issued)  # of an app that still holds it, on another device
    assert (await login.world.client.ask(ME, late)).codes == ["UNAUTHENTICATED"]
    again = (await login.fetch_data(ME, login.log_in()))["me"]
    assert again["orders"]["totalCount"] == 0, "who logs in again is taken anew"


@pytest.mark.torture
async def test_proof_that_the_digest_of_the_login_matters(login: LoginWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "is_login_suppressed", lambda *_: False)
    issued = int(login.world.clock().timestamp())
    await erase(login, login.log_in())
    login.world.clock.forward(minutes=1)
    assert (await login.fetch_data(ME, login.log_in(iat=issued)))["me"] is not None


async def test_an_erase_deletes_the_file_of_an_export(login: LoginWorld) -> None:
    token = login.log_in()
    done = await export(login, token)
    await erase(login, login.log_in())
    assert (await login.world.client.http.get(done["downloadUrl"])).status_code == 404


async def test_no_export_begins_while_the_data_is_erased(login: LoginWorld) -> None:
    token = login.log_in()
    await login.fetch_data(ME, token)
    await run(login, ERASE, token, confirm=await find_email(login))
    login.world.clock.forward(days=1, seconds=1)
    request = (await run(login, EXPORT, login.log_in()))["request"]
    await login.world.gateway.run_due()
    node = (await login.fetch_data(FIND, ADMIN, id=request["id"]))["node"]
    assert (node["state"], node["downloadUrl"]) == ("CANCELLED", None)


async def find_tables_with(login: LoginWorld, text: str) -> set[str]:
    """Find the tables that have this text in any column."""

    def search(conn: Connection) -> set[str]:
        tables = metadata.sorted_tables
        return {one.name for one in tables if any(text in str(tuple(row)) for row in conn.execute(sa.select(one)))}

    return await login.world.gateway.database.read(search)


async def test_orders_that_were_placed_here_lose_their_contact_in_commands_too(login: LoginWorld) -> None:
    token = login.log_in()
    shopper = Shopper(login.world, token)
    await shopper.fill("web", MUG=1)
    option = await shopper.find_option("SHIPPING", "depot")
    order = (await shopper.submit(option, contact={"name": "Zoe Zed", "email": ZOE}))["order"]
    await login.world.gateway.run_due()
    assert {"orders", "outbox"} <= await find_tables_with(login, ZOE)
    await erase(login, token)
    assert "orders" in await find_tables_with(login, ZOE), "it is open"
    await run_as_staff(login.world, "orderCancel", orderId=order["id"], version=await find_version(login, order["id"]))
    for _ in range(3):
        login.world.clock.forward(minutes=20)
        await login.world.gateway.run_due()
    assert await find_tables_with(login, ZOE) == set()


async def find_version(login: LoginWorld, id: str) -> int:
    query = "query ($id: ID!) { order(by: {id: $id}) { version } }"
    return int((await login.fetch_data(query, ADMIN, id=id))["order"]["version"])


async def test_an_erase_while_an_order_is_placed_has_it_or_refuses_it(login: LoginWorld) -> None:
    token = login.log_in()
    shopper = Shopper(login.world, token)
    await shopper.fill("web", MUG=1)
    option = await shopper.find_option("SHIPPING", "depot")
    await run(login, ERASE, token, confirm=await find_email(login))
    login.world.clock.forward(days=1, seconds=1)
    fresh = login.log_in()
    payload, _ = await asyncio.gather(
        shopper.submit(option, by=fresh, contact={"name": "Zoe Zed", "email": ZOE}),
        login.world.gateway.run_data_requests(),
    )
    if payload["order"] is None:
        assert await find_tables_with(login, ZOE) == set()
    else:
        assert "orders" in await find_tables_with(login, ZOE), "the open order has its contact"
    again = (await login.fetch_data(ME, login.log_in()))["me"]
    assert again["orders"]["totalCount"] == 0


async def test_two_requests_at_once_are_one(login: LoginWorld) -> None:
    token = login.log_in()
    await login.fetch_data(ME, token)
    email = await find_email(login)
    payloads = await asyncio.gather(*(run(login, ERASE, token, confirm=email) for _ in range(4)))
    assert len({payload["request"]["id"] for payload in payloads}) == 1


async def test_a_customer_has_one_export_an_hour(login: LoginWorld) -> None:
    """Each export reads the channels again, whose calls are limited."""
    token = login.log_in(exp=int((login.world.clock() + timedelta(days=9)).timestamp()))
    await export(login, token)
    first, second = [(await run(login, EXPORT, token))["request"]["id"] for _ in range(2)]
    assert first == second
    login.world.clock.forward(hours=1, seconds=1)
    assert (await run(login, EXPORT, token))["request"]["id"] != first
