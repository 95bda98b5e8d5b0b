"""What customers do themselves: profile, address book, and the orders that they placed as guests (rule C9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.commerce.consents import requests
from gateway.commerce.customers import order_claims
from tests.graphql.shopper import Shopper, make_key
from tests.graphql.world import ADMIN
from tests.login.world import LoginWorld, open_login_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ERRORS = "userErrors { code field }"
BOOK = "addressBook { id address { line1 } defaultShipping defaultBilling editable channel { key } }"
DOCUMENTS = {
    "customerUpdate": f"""mutation ($input: CustomerUpdateInput!) {{ customerUpdate(input: $input) {{
      customer {{ id version displayName givenName emails {{ value verified }} locale tags }} {ERRORS} }} }}""",
    "customerAddressSave": f"""mutation ($input: CustomerAddressSaveInput!) {{ customerAddressSave(input: $input) {{
      address {{ id defaultShipping editable }} customer {{ {BOOK} }} {ERRORS} }} }}""",
    "customerAddressRemove": f"""mutation ($input: CustomerAddressRemoveInput!) {{
      customerAddressRemove(input: $input) {{ address {{ id }} customer {{ {BOOK} }} {ERRORS} }} }}""",
    "orderClaim": f"""mutation ($input: OrderClaimInput!) {{ orderClaim(input: $input) {{
      order {{ number customer {{ id }} }} {ERRORS} }} }}""",
}
WITHOUT_TAGS = DOCUMENTS["customerUpdate"].replace(" tags", "")
ME = "{ me { id version displayName orders(first: 9) { nodes { number } } addresses { line1 } } }"


@pytest.fixture
async def login(database_url: str) -> AsyncIterator[LoginWorld]:
    async with open_login_world(database_url, {"asserts_email": True}) as login:
        yield login


async def run(login: LoginWorld, name: str, token: str | None, **given: Any) -> dict[str, Any]:
    """Run a mutation and return its payload."""
    document = WITHOUT_TAGS if name == "customerUpdate" and token != ADMIN else DOCUMENTS[name]
    data = await login.fetch_data(document, token, input={"idempotencyKey": make_key(), **given})
    payload: dict[str, Any] = data[name]
    return payload


def list_codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def test_a_customer_changes_the_own_profile(login: LoginWorld) -> None:
    token = login.log_in()
    before = (await login.fetch_data(ME, token))["me"]
    changed = await run(login, "customerUpdate", token, version=before["version"], givenName="Yvonne", locale="de-CH")
    assert changed["userErrors"] == []
    customer = changed["customer"]
    assert (customer["displayName"], customer["locale"]) == ("Yvonne Jackson", "de-CH")
    assert customer["version"] > before["version"]
    stale = await run(login, "customerUpdate", token, version=before["version"], givenName="Eve")
    assert list_codes(stale) == ["CONFLICT"]
    cleared = await run(login, "customerUpdate", token, version=customer["version"], givenName=None, familyName=None)
    assert cleared["customer"]["displayName"] == "Ivy Jackson"


async def test_an_address_that_a_customer_types_is_not_verified(login: LoginWorld) -> None:
    token = login.log_in()
    version = (await login.fetch_data(ME, token))["me"]["version"]
    changed = await run(login, "customerUpdate", token, version=version, email="victim@example.com")
    assert {"value": "victim@example.com", "verified": False} in changed["customer"]["emails"]


async def test_nothing_is_changed_for_another_customer(login: LoginWorld) -> None:
    other = (await login.fetch_data(ME, login.log_in("person-2")))["me"]
    values = {"customerId": other["id"], "version": other["version"], "givenName": "X", "idempotencyKey": make_key()}
    for token, code in ((login.log_in(), "FORBIDDEN"), (None, "UNAUTHENTICATED")):
        assert (await login.world.client.ask(WITHOUT_TAGS, token, input=values)).codes == [code]
    tags = {"version": 1, "tags": ["vip"], "idempotencyKey": make_key()}
    assert (await login.world.client.ask(WITHOUT_TAGS, login.log_in(), input=tags)).codes == ["BAD_USER_INPUT"]


async def test_staff_change_a_customer(login: LoginWorld) -> None:
    me = (await login.fetch_data(ME, login.log_in()))["me"]
    query = "query ($id: ID!) { customer(id: $id) { version } }"
    version = (await login.fetch_data(query, ADMIN, id=me["id"]))["customer"]["version"]
    changed = await run(
        login, "customerUpdate", ADMIN, customerId=me["id"], version=version, tags=["vip", "vip"], familyName="Stone"
    )
    assert changed["userErrors"] == []
    assert changed["customer"]["tags"] == ["vip"]
    assert (await login.fetch_data(ME, login.log_in()))["me"]["displayName"] == "Ivy Stone"


async def test_an_address_book_has_one_default(login: LoginWorld) -> None:
    token = login.log_in()
    first = await run(login, "customerAddressSave", token, address={"line1": "1 High St"}, defaultShipping=True)
    login.world.clock.forward(seconds=1)
    second = await run(login, "customerAddressSave", token, address={"line1": "2 High St"}, defaultShipping=True)
    book = second["customer"]["addressBook"]
    assert [(one["address"]["line1"], one["defaultShipping"]) for one in book] == [
        ("1 High St", False),
        ("2 High St", True),
    ]
    changed = await run(
        login, "customerAddressSave", token, addressId=first["address"]["id"], address={"line1": "1a High St"}
    )
    assert [one["address"]["line1"] for one in changed["customer"]["addressBook"]] == ["1a High St", "2 High St"]
    removed = await run(login, "customerAddressRemove", token, addressId=first["address"]["id"])
    assert [one["address"]["line1"] for one in removed["customer"]["addressBook"]] == ["2 High St"]
    assert removed["address"] is None
    assert (await login.fetch_data(ME, token))["me"]["addresses"] == [{"line1": "2 High St"}]
    assert list_codes(await run(login, "customerAddressSave", token, address={})) == ["INVALID"]


async def test_an_address_of_another_customer_is_unknown(login: LoginWorld) -> None:
    mine, theirs = login.log_in(), login.log_in("person-2")
    saved = await run(login, "customerAddressSave", theirs, address={"line1": "Secret Street"})
    id_ = saved["address"]["id"]
    refused = [
        await run(login, "customerAddressSave", mine, addressId=id_, address={"line1": "x"}),
        await run(login, "customerAddressRemove", mine, addressId=id_),
    ]
    assert [list_codes(one) for one in refused] == [["NOT_FOUND"], ["NOT_FOUND"]]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await login.world.client.ask(node, mine, id=id_)).codes == ["FORBIDDEN"]
    assert (await login.fetch_data(node, theirs, id=id_))["node"] == {"id": id_}


async def order_as_guest(login: LoginWorld, **contact: str) -> dict[str, Any]:
    """Place an order without a login."""
    guest = Shopper(login.world)
    await guest.fill("web", MUG=1)
    given = {"name": "Ivy Jackson", "email": "Ivy.Jackson@example.com", **contact}
    payload = await guest.buy(await guest.find_option("PICKUP", "london"), contact=given)
    assert payload["userErrors"] == []
    await login.world.gateway.run_due()
    order: dict[str, Any] = payload["order"]
    return order


async def test_one_order_is_claimed_by_its_token(login: LoginWorld) -> None:
    claimed, other = [await order_as_guest(login, name="Someone Else", email="else@example.com") for _ in range(2)]
    token = login.log_in()
    payload = await run(login, "orderClaim", token, orderAccessToken=claimed["accessToken"])
    assert payload["userErrors"] == []
    me = (await login.fetch_data(ME, token))["me"]
    assert payload["order"] == {"number": claimed["number"], "customer": {"id": me["id"]}}
    assert [order["number"] for order in me["orders"]["nodes"]] == [claimed["number"]] != [other["number"]]
    again = await run(login, "orderClaim", token, orderAccessToken=claimed["accessToken"])
    assert again["userErrors"] == []


async def test_an_order_is_claimed_by_number_verified_address_and_name(login: LoginWorld) -> None:
    order = await order_as_guest(login)
    token = login.log_in()
    payload = await run(login, "orderClaim", token, channelKey="web", number=order["number"])
    assert payload["userErrors"] == []
    assert [one["number"] for one in (await login.fetch_data(ME, token))["me"]["orders"]["nodes"]] == [order["number"]]


async def test_a_wrong_number_address_or_name_is_refused_alike(login: LoginWorld) -> None:
    named = await order_as_guest(login, name="Ivan Jackson")
    addressed = await order_as_guest(login, email="other@example.com")
    token = login.log_in()
    refused = [
        await run(login, "orderClaim", token, channelKey="web", number=number)
        for number in (named["number"], addressed["number"], "#0")
    ]
    assert refused == [{"order": None, "userErrors": [{"code": "NOT_FOUND", "field": ["input"]}]}] * 3
    assert (await login.fetch_data(ME, token))["me"]["orders"]["nodes"] == []


async def test_without_a_verified_address_no_order_is_claimed_by_number(login: LoginWorld) -> None:
    order = await order_as_guest(login, name="Noah Weiss", email="noah@example.org")
    payload = await run(login, "orderClaim", login.log_in("person-2"), channelKey="web", number=order["number"])
    assert list_codes(payload) == ["NOT_VERIFIED"]


async def test_an_order_of_another_customer_is_not_claimed(login: LoginWorld) -> None:
    owner = Shopper(login.world, login.log_in("person-2"))
    await owner.fill("web", MUG=1)
    order = (await owner.buy(await owner.find_option("PICKUP", "london")))["order"]
    payload = await run(login, "orderClaim", login.log_in(), orderAccessToken=order["accessToken"])
    assert list_codes(payload) == ["NOT_ALLOWED_IN_STATE"]
    wrong = await run(login, "orderClaim", login.log_in(), orderAccessToken="0" * 32 + ".x")
    assert list_codes(wrong) == ["NOT_FOUND"]


@pytest.mark.parametrize("first", ["number", "token"])
async def test_two_logins_do_not_claim_one_order(login: LoginWorld, first: str) -> None:
    order = await order_as_guest(login)
    by_number = {"channelKey": "web", "number": order["number"]}
    claims = [(login.log_in(), by_number), (login.log_in("person-2"), {"orderAccessToken": order["accessToken"]})]
    (owner, claim), (other, other_claim) = claims if first == "number" else reversed(claims)
    assert (await run(login, "orderClaim", owner, **claim))["userErrors"] == []
    await login.world.gateway.run_due()
    assert list_codes(await run(login, "orderClaim", other, **other_claim)) == ["NOT_ALLOWED_IN_STATE"]
    await login.world.gateway.run_due()
    assert (await login.fetch_data(ME, other))["me"]["orders"]["nodes"] == []
    customers = {(await login.fetch_data(ME, token))["me"]["id"] for token in (owner, other)}
    assert len({await find_golden_id(login, id_) for id_ in customers}) == 2


async def test_a_claimed_order_makes_no_one_of_its_buyer(login: LoginWorld) -> None:
    """A person that orders in the name of another, and claims the order, does not become one customer with them."""
    buyer = await order_as_guest(login, name="Vera Victim", email="vera@example.com")
    order = await order_as_guest(login, name="Vera Victim", email="vera@example.com")
    attacker = login.log_in("person-2")
    assert (await run(login, "orderClaim", attacker, orderAccessToken=order["accessToken"]))["userErrors"] == []
    await login.world.gateway.run_due()
    me = (await login.fetch_data(ME, attacker))["me"]
    assert [one["number"] for one in me["orders"]["nodes"]] == [order["number"]]
    query = "query ($n: String!) { orders(search: $n, first: 9) { nodes { number customer { id } } } }"
    found = await login.fetch_data(query, ADMIN, n=buyer["number"])
    (node,) = [one for one in found["orders"]["nodes"] if one["number"] == buyer["number"]]
    assert node["customer"]["id"] != await find_golden_id(login, me["id"])


async def find_golden_id(login: LoginWorld, id_: str) -> str:
    """Return the ID of a customer as staff see it."""
    found = await login.fetch_data("query ($id: ID!) { customer(id: $id) { id } }", ADMIN, id=id_)
    golden: str = found["customer"]["id"]
    return golden


async def answer(login: LoginWorld, token: str, *, granted: bool) -> list[str]:
    login.world.clock.forward(seconds=1)
    given = {"purpose": "PROFILING", "granted": granted, "wording": "page 3", "idempotencyKey": make_key()}
    document = f"mutation ($input: ConsentSetInput!) {{ consentSet(input: $input) {{ {ERRORS} }} }}"
    return list_codes((await login.fetch_data(document, token, input=given))["consentSet"])


async def test_an_answer_that_is_repeated_is_stored_once(login: LoginWorld) -> None:
    token = login.log_in()
    for granted in (True, True, False, False):
        assert await answer(login, token, granted=granted) == []
    (consent,) = (await login.fetch_data("{ me { consents { state decisions { state } } } }", token))["me"]["consents"]
    assert (consent["state"], len(consent["decisions"])) == ("DENIED", 2)


async def test_grants_of_a_day_are_limited_and_denials_are_not(
    login: LoginWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MAX_GRANTS", 2)
    token = login.log_in()
    for expected in ([], [], ["LIMIT_EXCEEDED"]):
        assert await answer(login, token, granted=True) == expected
        assert await answer(login, token, granted=False) == []
    login.world.clock.forward(days=1, seconds=1)
    assert await answer(login, login.log_in(), granted=True) == []


async def test_only_a_login_claims(login: LoginWorld) -> None:
    values = {"orderAccessToken": "x", "idempotencyKey": make_key()}
    for token, code in ((None, "UNAUTHENTICATED"), (ADMIN, "FORBIDDEN")):
        assert (await login.world.client.ask(DOCUMENTS["orderClaim"], token, input=values)).codes == [code]


async def test_the_proof_without_the_name_a_familys_order_is_claimed(
    login: LoginWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await order_as_guest(login, name="Ivan Jackson")
    monkeypatch.setattr(order_claims, "_has_same_name", lambda *_: True)
    payload = await run(login, "orderClaim", login.log_in(), channelKey="web", number=order["number"])
    assert payload["userErrors"] == []


async def test_a_login_does_not_widen_the_limits_of_guesses(login: LoginWorld) -> None:
    query = """query ($number: String!) {
      order(by: {guest: {channelKey: "web", number: $number, email: "a@example.com"}}) { number }
    }"""
    codes = []
    for number in range(22):
        token = login.log_in(f"person-{number}")
        codes.append((await login.world.client.ask(query, token, number=str(number))).codes)
    assert codes[:20] == [[]] * 20
    assert codes[20:] == [["RATE_LIMITED"]] * 2


async def test_refusals_of_shoppers_are_counted_and_not_listed(login: LoginWorld) -> None:
    token = login.log_in()
    await run(login, "orderClaim", token, orderAccessToken="0" * 32 + ".x")
    values = {"channelKey": "web", "idempotencyKey": make_key()}
    pause = "mutation ($input: ChannelPauseInput!) { channelPause(input: $input) { channel { key } } }"
    assert (await login.world.client.ask(pause, token, input=values)).codes == ["FORBIDDEN"]
    listed = await login.fetch_data("{ auditEntries(first: 50) { nodes { action actor { kind } } } }", ADMIN)
    assert [entry for entry in listed["auditEntries"]["nodes"] if entry["actor"]["kind"] == "SHOPPER"] == []
