"""Consents of a web store: what its customers have decided, and denials that are sent to it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.model.customers.consents import ConsentPurpose
from gateway.sdk import Done, Ref, Refused
from gateway.sdk.records import CustomerRecord
from gateway.sdk.writes import Outcome, SetConsent
from gateway_shopify_sandbox.state import Node, format_instant
from tests.gateways import START
from tests.plugins.shopify import SOON, ShopifyTestbed, open_testbed

pytestmark = pytest.mark.anyio

DECIDED_AT = START - timedelta(hours=3)
WRITES: dict[str, Any] = {"config": {"writes": ["set_consents"]}}


def get_customer(web: ShopifyTestbed) -> Node:
    (customer,) = web.sandbox.shop.list_nodes("Customer")
    customer["defaultPhoneNumber"] = {
        "phoneNumber": "+447700900123",
        "smsMarketingConsent": {"state": "SUBSCRIBED", "updatedAt": format_instant(DECIDED_AT)},
    }
    return customer


async def read_consents(web: ShopifyTestbed) -> dict[ConsentPurpose, tuple[bool, Any]]:
    (record,) = (await web.read_records("customers")).values()
    assert isinstance(record, CustomerRecord)
    return {consent.purpose: (consent.granted, consent.decided_at) for consent in record.consents}


async def send(web: ShopifyTestbed, purpose: ConsentPurpose, id_: str, address: str | None = None) -> Outcome:
    command = SetConsent(
        key=purpose.value, subject=Ref(id_), purpose=purpose, granted=False, address=address, decided_at=DECIDED_AT
    )
    (outcome,) = await web.channel.send([command], SOON)
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.mark.parametrize(
    ("state", "granted"),
    [("SUBSCRIBED", True), ("UNSUBSCRIBED", False), ("NOT_SUBSCRIBED", None), ("PENDING", None), ("INVALID", None)],
)
async def test_only_what_the_customer_has_decided_is_a_consent(
    tmp_path: Path, state: str, granted: bool | None
) -> None:
    async with open_testbed(tmp_path) as web:
        email = get_customer(web)["defaultEmailAddress"]
        email |= {"marketingState": state, "marketingUpdatedAt": format_instant(DECIDED_AT)}
        expected = {ConsentPurpose.MARKETING_SMS: (True, DECIDED_AT)}
        if granted is not None:
            expected[ConsentPurpose.MARKETING_EMAIL] = (granted, DECIDED_AT)
        assert await read_consents(web) == expected


async def test_a_denial_is_sent_with_the_time_of_the_decision(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, **WRITES) as web:
        get_customer(web)
        (id_,) = await web.read_records("customers")
        for purpose in (ConsentPurpose.MARKETING_EMAIL, ConsentPurpose.MARKETING_SMS):
            for _ in range(2):  # to send it again has no further effect
                assert await send(web, purpose, id_) == Done()
        denied = (False, DECIDED_AT)
        assert await read_consents(web) == {
            ConsentPurpose.MARKETING_EMAIL: denied,
            ConsentPurpose.MARKETING_SMS: denied,
        }


async def test_a_denial_for_an_unknown_customer_is_refused(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, **WRITES) as web:
        assert isinstance(await send(web, ConsentPurpose.MARKETING_EMAIL, "77"), Refused)


async def test_the_channel_stores_two_purposes_if_its_configuration_allows_it(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, **WRITES) as web:
        topology = web.gateway.rules.topology
        assert topology.can_execute("web", SetConsent)
        assert topology.traits["web"].consents == {ConsentPurpose.MARKETING_EMAIL, ConsentPurpose.MARKETING_SMS}
