"""What a shopper sees and changes: the own part of a customer, by every path, and nothing of anyone else (rule C7)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.execution.context import Context
from gateway.graphql.loaders.customers import ownership
from gateway.model.ids import GlobalId, generate_id
from gateway.model.orders import Order
from gateway.sdk.testing import record_builders
from gateway.storage.database import Connection
from gateway.storage.tables import identities, orders
from gateway.storage.writes.customers.consents import FactRow, insert_facts
from gateway.storage.writes.customers.edits import EditRow, replace_edits
from gateway.storage.writes.customers.interactions import InteractionRow, insert_interaction
from tests.gateways import START
from tests.graphql.shopper import Shopper
from tests.graphql.whole_selections import select_everything
from tests.graphql.world import ADMIN, get_schema
from tests.login.world import LoginWorld, open_login_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ME = """{ me {
  id version displayName givenName familyName emails { value verified } addresses { line1 }
  orders(first: 10) { totalCount nodes { number customer { id } contact { email } fulfillments { pickupCode } } }
  carts(first: 10) { nodes { id status } } statistics { count } hasLogin locale
} }"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
PARTS = """query ($id: ID!) { order(by: {id: $id}) {
  id customer { id } lines(first: 1) { nodes { id } } fulfillments { id } payments { id }
  events(first: 1) { nodes { id } }
} }"""
MINE = "{ me { id orders(first: 9) { nodes { id } } carts { nodes { id lines { id } } } } }"
TYPES = ("Customer", "Order", "OrderLine", "Fulfillment", "Payment", "OrderEvent", "Cart", "CartLine")


async def place_order(login: LoginWorld, token: str | None) -> tuple[Shopper, dict[str, Any]]:
    """Place an order with this token."""
    shopper = Shopper(login.world, token)
    await shopper.fill("web", MUG=1)
    payload = await shopper.buy(await shopper.find_option("PICKUP", "london"))
    assert payload["userErrors"] == []
    return shopper, payload["order"]


async def join_till_records(login: LoginWorld) -> None:
    """Join the till's records to the account of person-1: Ada's is proved, and Grace's is a guess."""

    def join(conn: Connection) -> None:
        account = conn.execute(sa.select(identities).where(identities.c.external_id == "person-1")).one()
        by_record = {"c1": {"proved_id": account.proved_id}, "c2": {}}
        for external_id, values in by_record.items():
            it = sa.update(identities).where(identities.c.external_id == external_id, identities.c.channel == "till")
            conn.execute(it.values(customer_id=account.customer_id, **values))

    await login.world.gateway.database.write(join)


def add_markers(conn: Connection) -> None:
    """Let Grace's record have what customers have, each with this name."""
    now, grace = START, conn.execute(sa.select(identities).where(identities.c.external_id == "c2")).one()
    bought = sa.update(orders).where(orders.c.channel == "web", orders.c.external_id == "o1")
    conn.execute(bought.values(customer_channel="till", customer="c2", number="Grace's"))
    for id_, public in (("i1", True), ("i2", False)):
        said = (id_, grace.id, "NOTE", now, "till", None, "Grace called", public, None, "Grace", now)
        insert_interaction(conn, InteractionRow(*said))
    agreed = ("f1", grace.id, "PROFILING", None, True, now, now, True, "CHANNEL", "Grace agreed", now, now, "till")
    insert_facts(conn, [FactRow(*agreed)])
    replace_edits(conn, [EditRow(grace.id, "NAME", '["Grace", "Grace", "Hopper"]', True, now)])


@pytest.fixture(scope="module")
async def login(shared_database_url: str) -> AsyncIterator[LoginWorld]:
    """A retailer with two shoppers who have ordered."""
    limits = {"anonymous": {"cost": 1_000_000}, "known": {"cost": 1_000_000}, "height": 5_000, "queue_timeout": "5m"}
    async with open_login_world(shared_database_url, {"asserts_email": True}, limits=limits) as login:
        for subject in ("person-1", "person-2"):
            await place_order(login, login.log_in(subject))
        await join_till_records(login)
        await login.world.gateway.database.write(add_markers)
        yield login


async def find_ids(login: LoginWorld, subject: str) -> dict[str, str]:
    """Find the ids of all that belongs to a shopper, by type."""
    token = login.log_in(subject)
    me = (await login.fetch_data(MINE, token))["me"]
    order = (await login.fetch_data(PARTS, token, id=me["orders"]["nodes"][0]["id"]))["order"]
    cart = me["carts"]["nodes"][0]
    return {
        "Customer": me["id"],
        "Order": order["id"],
        "OrderLine": order["lines"]["nodes"][0]["id"],
        "Fulfillment": order["fulfillments"][0]["id"],
        "Payment": order["payments"][0]["id"],
        "OrderEvent": order["events"]["nodes"][0]["id"],
        "Cart": cart["id"],
        "CartLine": cart["lines"][0]["id"],
    }


async def test_a_shopper_sees_what_the_login_proves_and_not_what_is_a_guess(login: LoginWorld) -> None:
    me = (await login.fetch_data(ME, login.log_in()))["me"]
    assert me["displayName"] in ("Ivy Jackson", "Ada Lovelace")
    assert {"value": "ivy.jackson@example.com", "verified": True} in me["emails"]
    numbers = [order["number"] for order in me["orders"]["nodes"]]
    assert set(numbers) >= {"o1", "o2"}
    assert len(numbers) == me["orders"]["totalCount"] == 3
    assert {order["customer"]["id"] for order in me["orders"]["nodes"]} == {me["id"]}
    assert any(one["pickupCode"] for order in me["orders"]["nodes"] for one in order["fulfillments"])
    assert [cart["status"] for cart in me["carts"]["nodes"]] == ["ORDERED"]
    assert (me["statistics"]["count"], me["hasLogin"], me["locale"]) == (3, True, "en-GB")
    assert "Grace" not in str(me)


async def test_no_field_of_a_shopper_shows_a_record_that_is_joined_by_a_guess(login: LoginWorld) -> None:
    elsewhere = ("subject", "order", "variant", "channel", "channels", "location", "customer", "reverses", "edges")
    everything = select_everything(get_schema(), "Customer", 5, elsewhere, own=True)
    answer = await login.world.client.ask(f"{{ me {everything} }}", login.log_in())
    assert answer.data["me"]["orders"]["nodes"]
    assert "Grace" not in str(answer.body)
    mine = answer.data["me"]["id"]
    staff = await login.world.client.ask(f'{{ customer(id: "{mine}") {everything} }}', ADMIN)
    assert str(staff.body).count("Grace") > 3


async def test_staff_find_the_golden_record_by_the_id_that_the_shopper_sees(login: LoginWorld) -> None:
    mine = (await login.fetch_data(ME, login.log_in()))["me"]["id"]
    query = "query ($id: ID!) { customer(id: $id) { identities(first: 9) { totalCount } } }"
    assert (await login.fetch_data(query, ADMIN, id=mine))["customer"]["identities"]["totalCount"] == 3


@pytest.mark.parametrize("type_", TYPES)
async def test_own_objects_are_found_by_id(login: LoginWorld, type_: str) -> None:
    id_ = (await find_ids(login, "person-1"))[type_]
    token = login.log_in()
    expected = {"__typename": type_, "id": id_}
    assert (await login.fetch_data(NODE, token, id=id_))["node"] == expected
    assert (await login.fetch_data(NODES, token, ids=[id_]))["nodes"] == [expected]


@pytest.mark.parametrize("type_", TYPES)
async def test_the_id_of_another_shopper_answers_as_an_unknown_one(login: LoginWorld, type_: str) -> None:
    foreign = (await find_ids(login, "person-2"))[type_]
    parts = GlobalId.parse(foreign).parts
    unknown = str(GlobalId(type_, tuple(generate_id(login.world.clock()) for _ in parts)))
    token = login.log_in()
    for query, name in ((NODE, "id"), (NODES, "ids")):
        bodies = [
            (await login.world.client.ask(query, token, **{name: id_ if name == "id" else [id_]})).body
            for id_ in (foreign, unknown)
        ]
        assert [_remove_request(body) for body in bodies[:1]] == [_remove_request(body) for body in bodies[1:]]
        assert foreign not in str(bodies)


async def test_a_record_that_is_joined_by_a_guess_answers_as_an_unknown_one(login: LoginWorld) -> None:
    def find_home(conn: Connection) -> str:
        return str(conn.scalar(sa.select(identities.c.home).where(identities.c.external_id == "c2")))

    home = await login.world.gateway.database.read(find_home)
    unknown = generate_id(login.world.clock())
    query = "query ($id: ID!) { customer(id: $id) { id } }"
    ids = [str(GlobalId("Customer", (id_,))) for id_ in (home, unknown)]
    answers = [await login.world.client.ask(query, login.log_in(), id=id_) for id_ in ids]
    assert _remove_request(answers[0].body) == _remove_request(answers[1].body)
    assert answers[0].codes == ["FORBIDDEN"]


def _remove_request(body: dict[str, Any]) -> dict[str, Any]:
    for error in body.get("errors", []):
        error.get("extensions", {}).pop("requestId", None)
    return body


async def test_the_token_of_an_order_opens_the_order_and_not_its_customer(login: LoginWorld) -> None:
    shopper, order = await place_order(login, login.log_in("person-3"))
    query = "query ($secret: String!) { order(by: {accessToken: $secret}) { number customer { id } } }"
    opened = (await login.fetch_data(query, login.log_in(), secret=order["accessToken"]))["order"]
    assert opened == {"number": order["number"], "customer": None}
    answer = await login.world.client.ask(query, secret=order["accessToken"])
    assert answer.codes == ["UNAUTHENTICATED"]
    assert shopper.cart["id"]


async def test_the_token_of_a_cart_does_not_open_the_order_of_the_shopper_who_ordered(login: LoginWorld) -> None:
    shopper, _ = await place_order(login, login.log_in("person-4"))
    query = "query ($secret: String!) { cart(token: $secret) { order { number } } }"
    own = await login.world.client.ask(query, login.log_in("person-4"), secret=shopper.cart["token"])
    other = await login.world.client.ask(query, login.log_in("person-2"), secret=shopper.cart["token"])
    assert own.data["cart"]["order"]["number"]
    assert other.body["data"]["cart"]["order"] is None


async def test_lists_of_all_customers_and_orders_are_not_for_shoppers(login: LoginWorld) -> None:
    for query in ("{ customers { nodes { id } } }", "{ orders { nodes { id } } }", "{ auditEntries { nodes { id } } }"):
        assert (await login.world.client.ask(query, login.log_in())).codes == ["FORBIDDEN"]


async def test_other_callers_have_no_customer(login: LoginWorld) -> None:
    for token in (None, ADMIN):
        data = await login.fetch_data("{ me { id } viewer { customer { id } } }", token)
        assert (data["me"], data["viewer"]["customer"]) == (None, None)
    data = await login.fetch_data("{ me { id } viewer { customer { id } } }", login.log_in())
    assert data["me"] == data["viewer"]["customer"]


async def test_cursors_of_another_shopper_show_nothing_of_theirs(login: LoginWorld) -> None:
    query = "query ($after: String) { me { orders(first: 1, after: $after) { edges { cursor node { number } } } } }"
    other = (await login.fetch_data(query, login.log_in("person-2")))["me"]["orders"]["edges"]
    answer = await login.world.client.ask(query, login.log_in(), after=other[0]["cursor"])
    assert other[0]["node"]["number"] not in str(answer.body)


async def test_no_response_of_one_shopper_is_sent_to_another(login: LoginWorld) -> None:
    query = "{ me { givenName } products(first: 1) { nodes { title } } }"
    for _ in range(2):
        for subject in ("person-1", "person-2"):
            data = await login.fetch_data(query, login.log_in(subject))
            assert (data["me"]["givenName"] == "Noah") is (subject == "person-2")


async def test_the_proof_without_the_check_a_foreign_order_is_shown(
    login: LoginWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = (await find_ids(login, "person-2"))["Order"]
    token = login.log_in()
    assert (await login.world.client.ask(NODE, token, id=foreign)).body["data"]["node"] is None
    original = ownership._claim_order

    def claim_any(context: Context, order: Order, _: str) -> Order:
        return original(context, order, order.proved_customer_id or "")

    monkeypatch.setattr(ownership, "_claim_order", claim_any)
    assert (await login.fetch_data(NODE, token, id=foreign))["node"]["id"] == foreign


@pytest.fixture
async def own_login(database_url: str) -> AsyncIterator[LoginWorld]:
    async with open_login_world(database_url) as login:
        yield login


async def test_a_shopper_cancels_the_own_order_only(own_login: LoginWorld) -> None:
    first, second = own_login.log_in(), own_login.log_in("person-2")
    shopper = Shopper(own_login.world, first)
    await shopper.fill("web", MUG=1)
    order = (await shopper.submit(await shopper.find_option("PICKUP", "london")))["order"]
    unknown = str(GlobalId("Order", (generate_id(own_login.world.clock()),)))
    refused = [
        await Shopper(own_login.world, second).ask("orderCancel", orderId=id_, version=order["version"])
        for id_ in (order["id"], unknown)
    ]
    assert refused[0] == refused[1]
    assert refused[0]["userErrors"][0]["code"] == "NOT_FOUND"
    canceled = await shopper.ask("orderCancel", orderId=order["id"], version=order["version"])
    assert canceled["userErrors"] == []
    assert canceled["order"]["status"] in ("CANCELLED", "CANCELLING")


async def test_a_paid_order_is_canceled_by_staff_only(own_login: LoginWorld) -> None:
    shopper, order = await place_order(own_login, own_login.log_in())
    refused = await shopper.ask("orderCancel", orderId=order["id"], version=order["version"])
    assert [error["code"] for error in refused["userErrors"]] == ["NOT_ALLOWED_IN_STATE"]


async def test_a_cart_becomes_the_shoppers_and_takes_over_the_one_of_another_device(own_login: LoginWorld) -> None:
    token = own_login.log_in()
    await Shopper(own_login.world, token).fill("web", MUG=1)
    guest = Shopper(own_login.world)
    await guest.fill("web", TEE_B=1)
    payload = await guest.ask("cartCustomerSet", by=token, cartToken=guest.cart["token"])
    assert payload["userErrors"] == []
    assert len(payload["cart"]["lines"]) == 2
    carts = (await own_login.fetch_data(ME, token))["me"]["carts"]["nodes"]
    assert sorted(cart["status"] for cart in carts) == ["ACTIVE", "MERGED"]


async def test_a_shopper_assigns_a_cart_to_no_other_customer(own_login: LoginWorld) -> None:
    other = (await own_login.fetch_data("{ me { id } }", own_login.log_in("person-2")))["me"]["id"]
    guest = Shopper(own_login.world)
    await guest.fill("web", MUG=1)
    with contextlib.suppress(AssertionError):
        await guest.ask("cartCustomerSet", by=own_login.log_in(), cartToken=guest.cart["token"], customerId=other)
        raise RuntimeError("it was assigned")


@pytest.mark.parametrize(
    ("verified", "asserts_email", "name", "numbers"),
    [
        (True, True, "Ivy Jackson", ["w9"]),
        (False, True, "Ivy Jackson", []),  # the address was typed into the account of the store
        (True, False, "Ivy Jackson", []),  # the address was typed at the issuer
        (True, True, "Rufus Jackson", []),  # a mailbox of a family
    ],
)
async def test_a_record_of_a_store_is_shown_only_if_its_address_is_verified_on_both_sides(
    database_url: str, verified: bool, asserts_email: bool, name: str, numbers: list[str]
) -> None:
    async with open_login_world(database_url, {"asserts_email": asserts_email}) as login:
        store, line = login.world.stores["web"], record_builders.build_line("1", "w-blue", 1, "11.50")
        customer = record_builders.build_customer("w1", name=name, email="Ivy.Jackson@example.com")
        store.put("customers", {**customer, "verified": verified})
        store.put("orders", record_builders.build_order("w9", [line], customer="w1"))
        token = login.log_in()
        await login.fetch_data(MINE, token)
        login.world.clock.forward(minutes=30)
        await login.world.gateway.run_due()
        data = await login.fetch_data("{ me { orders(first: 9) { nodes { number } } } }", token)
        assert [order["number"] for order in data["me"]["orders"]["nodes"]] == numbers
