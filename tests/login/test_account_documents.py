"""The documents of a customer's account: they run by their ids for the customer who has logged in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.execution.persisted.manifests import parse_manifest
from gateway.storage import persisted_documents
from gateway.storage.persisted_documents import AppVersion
from tests.graphql.operation_documents import ACCOUNT, build_manifest, compute_id, read_texts
from tests.graphql.shopper import Shopper, make_key, run_as_staff
from tests.graphql.test_loyalty import LOYALTY
from tests.graphql.world import ACCEPT
from tests.login.world import LoginWorld, open_login_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture
async def login(database_url: str) -> AsyncIterator[LoginWorld]:
    """A retailer who knows the documents of the storefront."""
    async with open_login_world(database_url, {"asserts_email": True}, loyalty=LOYALTY) as login:
        shipped = parse_manifest(build_manifest("storefront"))
        await login.world.gateway.database.write(
            persisted_documents.insert_version, AppVersion("storefront", "1.0"), None, shipped, login.world.clock()
        )
        yield login


class Account:
    """The storefront of a person who has logged in. `sent_documents`: operations that it has sent."""

    def __init__(self, login: LoginWorld) -> None:
        self._http = login.world.client.http
        self.token = login.log_in()
        self.sent_documents: set[str] = set()

    async def ask(self, name: str, **variables: Any) -> Any:
        """Run an operation and return its data; fail on errors of any kind."""
        self.sent_documents.add(name)
        headers = {**ACCEPT, "authorization": f"Bearer {self.token}"}
        document = compute_id(read_texts("storefront")[name])
        asked = {"documentId": document, "variables": variables}
        response = await self._http.post("/graphql", json=asked, headers=headers)
        body = response.json()
        assert response.status_code == 200 and "errors" not in body, body
        return body["data"]

    async def run_mutation(self, name: str, **given: Any) -> Any:
        data = await self.ask(name, input={**given, "idempotencyKey": make_key()})
        (payload,) = data.values()
        assert payload["userErrors"] == []
        return payload


async def test_an_account_works_by_the_ids_of_its_documents(login: LoginWorld) -> None:
    account = Account(login)
    me = (await account.ask("Me"))["me"]
    assert (me["displayName"], me["orders"]["nodes"], me["loyalty"]) == ("Ivy Jackson", [], None)
    await check_orders(login, account)
    await change_consent(account)
    await spend_points(login, account, me["id"])
    await export_data(login, account)
    await cancel_erase(account)
    assert account.sent_documents == ACCOUNT


async def check_orders(login: LoginWorld, account: Account) -> None:
    """Order something, and ask for what is older."""
    shopper = Shopper(login.world, account.token)
    await shopper.fill("web", MUG=2)
    number = (await shopper.submit(await shopper.find_option("PICKUP", "london")))["order"]["number"]
    orders = (await account.ask("Me"))["me"]["orders"]
    assert [(order["number"], order["channel"]["key"]) for order in orders["nodes"]] == [(number, "web")]
    older = (await account.ask("MyOrders", after=orders["pageInfo"]["endCursor"]))["me"]["orders"]
    assert (older["nodes"], older["pageInfo"]["hasNextPage"]) == ([], False)


async def change_consent(account: Account) -> None:
    """Grant a consent, and withdraw it."""
    for granted, state in ((True, "GRANTED"), (False, "DENIED")):
        given: dict[str, Any] = {"purpose": "MARKETING_EMAIL", "granted": granted, "wording": "News by email"}
        consent = (await account.run_mutation("ConsentSet", **given))["consent"]
        assert (consent["state"], consent["address"]) == (state, "ivy.jackson@example.com")
    consents = (await account.ask("Me"))["me"]["consents"]
    assert {(one["address"], one["state"]) for one in consents} == {
        ("ivy.jackson@example.com", "DENIED"),
        (None, "DENIED"),  # the person
    }


async def spend_points(login: LoginWorld, account: Account, customer_id: str) -> None:
    """Redeem points in a cart that a guest has created, and that became the customer's own."""
    gift: dict[str, Any] = {"points": 300, "kind": "EARN", "reason": "a gift", "sourceKey": "gift"}
    await run_as_staff(login.world, "loyaltyPost", customerId=customer_id, **gift)
    guest = Shopper(login.world)
    await guest.fill("web", MUG=2)
    cart = (await account.run_mutation("CartCustomerSet", cartToken=guest.cart["token"]))["cart"]
    assert cart["id"] == guest.cart["id"] and cart["token"] != guest.cart["token"]
    await account.run_mutation("CartLoyaltySet", cartToken=cart["token"], version=cart["version"], points=100)
    data = await account.ask("CartPoints", cartToken=cart["token"])
    assert (data["cart"]["loyaltyPoints"], data["me"]["loyalty"]["balance"]) == (100, 300)
    assert data["cart"]["customer"]["id"] == data["me"]["id"]


async def export_data(login: LoginWorld, account: Account) -> None:
    """Export the customer's own data."""
    request = (await account.run_mutation("CustomerExport"))["request"]
    await login.world.gateway.run_due()
    done = (await account.ask("MyDataRequest", id=request["id"]))["node"]
    assert (request["state"], done["state"], done["parts"][0]["channel"]) == ("QUEUED", "DONE", None)
    assert done["downloadUrl"] is not None


async def cancel_erase(account: Account) -> None:
    """Request an erase, and cancel it before it begins."""
    request = (await account.run_mutation("CustomerErase", confirm="ivy.jackson@example.com"))["request"]
    assert (request["kind"], request["state"]) == ("ERASE", "QUEUED")
    canceled = (await account.run_mutation("DataRequestCancel", requestId=request["id"]))["request"]
    assert canceled["state"] == "CANCELLED"
