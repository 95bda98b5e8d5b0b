"""Personal values come out of no log, at any level, whatever fails with them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.runtime.log_format import JsonFormatter, TextFormatter
from gateway.sdk import ContractError, UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import raise_error
from tests.graphql.shopper import Shopper, make_key
from tests.graphql.world import ADMIN, STAFF
from tests.login.world import LoginWorld, open_login_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

PLANTED = {
    "name": "Planted Persephone",
    "given": "Planted-Given",
    "family": "Planted-Family",
    "email": "planted.mail@example.com",
    "other email": "planted.other@example.com",
    "broken email": "planted.broken@@example.com",
    "phone": "+447911998877",
    "broken phone": "+44-planted-phone",
    "card": "9826000000017",
    "street": "77 Planted Street",
    "city": "Plantedtown",
    "postal code": "PL4 NT3",
    "company": "Planted Company",
    "guest": "Planted Guest",
    "guest email": "planted.guest@example.com",
    "note": "planted note about health",
    "reason": "planted reason",
    "wording": "planted wording",
    "subject": "planted-subject",
    "password": "planted-token-value",
}
"""Twenty values, by what they are."""

ADDRESS = {"line1": PLANTED["street"], "city": PLANTED["city"], "company": PLANTED["company"], "country_code": "GB"}
INPUT = {"line1": PLANTED["street"], "city": PLANTED["city"], "postalCode": PLANTED["postal code"], "countryCode": "GB"}


def put_planted_records(login: LoginWorld) -> None:
    """Give the channels records with these values, some of which cannot be applied."""
    till, web = login.world.stores["till"], login.world.stores["web"]
    build, line = record_builders.build_customer, record_builders.build_line("1", None, 1, "5.00")
    good = build("p1", name=PLANTED["name"], email=PLANTED["email"], phone=PLANTED["phone"], card=PLANTED["card"])
    till.put("customers", {**good, "addresses": [ADDRESS], "version": 2})
    web.put("customers", build("p2", name=PLANTED["name"] * 300, email=PLANTED["broken email"]))
    web.put("customers", build("p3", name=PLANTED["name"], phone=PLANTED["broken phone"], merged_into="x" * 5_000))
    contact = {"name": PLANTED["guest"], "email": PLANTED["guest email"], "phone": None}
    web.put("orders", record_builders.build_order("g1", [line], contact=contact, billing_address=ADDRESS))
    web.put("orders", record_builders.build_order("g2", [{**line, "quantity": -(10**12)}], contact=contact))


MUTATIONS: dict[str, dict[str, Any]] = {
    "customerUpdate": {"version": 99, "givenName": PLANTED["given"], "email": PLANTED["broken email"]},
    "customerAddressSave": {"address": {**INPUT, "countryCode": "XX"}},
    "orderClaim": {"channelKey": "web", "number": "g1", "email": PLANTED["guest email"]},
    "consentSet": {"purpose": "MARKETING_EMAIL", "address": PLANTED["other email"], "granted": True}
    | {"wording": PLANTED["wording"]},
    "interactionAdd": {"customerId": "bm9uc2Vuc2U", "kind": "NOTE", "summary": PLANTED["note"]},
    "customerErase": {"confirm": PLANTED["email"]},
    "customerExport": {},
    "shopperTokenExchange": {"token": PLANTED["password"], "kind": "ID_TOKEN"},
}


async def ask_everything(login: LoginWorld, token: str | None) -> None:
    """Send every mutation with these values; most are refused."""
    for name, given in MUTATIONS.items():
        type_ = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation ($input: {type_}!) {{ {name}(input: $input) {{ userErrors {{ code message }} }} }}"
        await login.world.client.ask(document, token, input={"idempotencyKey": make_key(), **given})
        await login.world.client.ask(document, token, input={"idempotencyKey": PLANTED["subject"] * 99, **given})


@pytest.fixture
async def login(database_url: str) -> AsyncIterator[LoginWorld]:
    table = {"asserts_email": True}
    async with open_login_world(database_url, table, privacy={"cooling_off": "0s"}) as login:
        yield login


async def test_twenty_planted_values_are_in_no_log(login: LoginWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = login.world
    put_planted_records(login)
    world.clock.forward(days=2)
    await world.gateway.run_due()
    for error in (UnavailableError(PLANTED["email"]), ContractError(PLANTED["name"]), ValueError(PLANTED["phone"])):
        world.stores["till"].apply(raise_error(error), method="page", times=1)
        world.clock.forward(days=2)
        await world.gateway.run_due()
    world.stores["till"].mend()
    claims = {"given_name": PLANTED["given"], "family_name": PLANTED["family"], "email": PLANTED["other email"]}
    shopper = login.log_in(PLANTED["subject"], email_verified=True, **claims)
    for token in (None, shopper, login.log_in(aud="other", **claims), PLANTED["password"], STAFF, ADMIN):
        await ask_everything(login, token)
        await world.client.ask(f'{{ customers(search: "{PLANTED["name"]}") {{ nodes {{ id nope }} }} }}', token)
        await world.client.ask("query ($s: Int!) { customers(first: $s) { totalCount } }", token, s=PLANTED["phone"])
    buyer = Shopper(world, shopper)
    await buyer.fill("web", MUG=1)
    await buyer.buy(await buyer.find_option("PICKUP", "london"))
    await world.gateway.run_due()
    formatters = [kind(shows_texts=shows) for kind in (TextFormatter, JsonFormatter) for shows in (False, True)]
    logged = "\n".join(formatter.format(record) for record in caplog.records for formatter in formatters)
    assert "the plugin memory raised ValueError" in logged
    assert {what: value for what, value in PLANTED.items() if value in logged} == {}


@pytest.mark.parametrize("what", ["email", "phone"])
def test_proof_that_a_value_in_a_message_would_be_found(what: str) -> None:
    record = logging.LogRecord("gateway", logging.ERROR, "", 0, f"failed for {PLANTED[what]}", None, None)
    assert PLANTED[what] in record.getMessage()
    assert PLANTED[what] not in TextFormatter().format(record)
