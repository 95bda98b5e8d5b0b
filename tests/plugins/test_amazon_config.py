"""The configuration of a seller account, its documentation, and its sandbox run alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

import gateway_amazon
from gateway.sdk import Registry
from gateway.sdk.testing.sandbox import SandboxError, build_small_world
from gateway_amazon import CHANNEL
from gateway_amazon.client import OPERATIONS
from gateway_amazon.config import AmazonConfig
from gateway_amazon_sandbox import start

ROOT = Path(__file__).parents[2]
PRINTED = ROOT / "schema" / "channel-config" / "amazon.json"
DOCS = (ROOT / "docs" / "channels" / "amazon.md").read_text(encoding="utf-8")
GOOD = {
    "seller_id": "A2SELLER",
    "marketplace_ids": ["A1F83G8C2ARO7P"],
    "client_id": "app",
    "client_secret": "s3cret",
    "refresh_token": "r3fresh",
    "currency": "GBP",
    "time_zone": "Europe/London",
}


def test_the_plugin_registers_one_channel_type() -> None:
    registry = Registry()
    gateway_amazon.gateway_register(registry)
    assert registry.channels == [CHANNEL]
    traits = CHANNEL.traits(AmazonConfig.model_validate(GOOD))
    assert (traits.currency, traits.prices_include_tax, traits.read_your_writes) == ("GBP", True, False)


def test_the_schema_of_the_configuration_is_printed_and_describes_every_key() -> None:
    printed = json.loads(PRINTED.read_text(encoding="utf-8"))
    assert printed == AmazonConfig.model_json_schema()
    assert all(key["description"] for key in printed["properties"].values())


def test_every_key_feed_and_rate_is_documented() -> None:
    for key in AmazonConfig.model_fields:
        assert re.search(rf"^\| [^|]*`{key}`", DOCS, re.MULTILINE), key
    for operation in OPERATIONS:
        row = rf"^\| {operation.name} \| {operation.budget.per_second:g}[ (].*\| {operation.budget.capacity:g} \|$"
        assert re.search(row, DOCS, re.MULTILINE), operation.name


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"currency": "QUID"}, "currency", "expected an ISO 4217 currency code such as GBP"),
        ({"time_zone": "London"}, "time_zone", "expected an IANA time zone such as Europe/London"),
        ({"marketplace_ids": []}, "marketplace_ids", "at least 1"),
        ({"marketplace_ids": ["A", "A"]}, "marketplace_ids", "contains a value twice"),
        ({"client_secret": " "}, "client_secret", "is empty"),
        ({"refresh_token": ""}, "refresh_token", "is empty"),
        ({"endpoint": "sellingpartnerapi-eu.amazon.com"}, "endpoint", "without a path"),
        ({"login": "https://user:pw@api.amazon.com"}, "login", "without a path"),
        ({"units": {"A": 0}}, "units.A", "greater than or equal to 1"),
        ({"pack_attributes": ["size"]}, "pack_attributes.0", "'item_package_quantity' or 'number_of_items'"),
        ({"feeds": ["customers"]}, "feeds.0", "'listings'"),
        ({"orders_since": "long ago"}, "orders_since", "datetime"),
        ({"colour": "red"}, "colour", "Extra inputs"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(change: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AmazonConfig.model_validate({**GOOD, **change})
    (problem,) = caught.value.errors(include_input=False)
    assert ".".join(map(str, problem["loc"])) == path
    assert message in problem["msg"]
    assert "s3cret" not in str(caught.value)


def test_secrets_are_never_shown() -> None:
    shown = repr(AmazonConfig.model_validate(GOOD))
    assert "s3cret" not in shown
    assert "r3fresh" not in shown


@pytest.mark.anyio
async def test_a_sandbox_alone_sells_what_it_has_and_its_port_can_be_used_again(tmp_path: Path) -> None:
    sandbox = await start(build_small_world(), tmp_path)
    address = str(sandbox.config["endpoint"])
    AmazonConfig.model_validate(sandbox.config)
    async with httpx2.AsyncClient() as client:
        assert (await client.get(f"{address}/orders/2026-01-01/orders")).status_code == 403
    with pytest.raises(SandboxError, match="15 are left"):
        await sandbox.sell("TEA-1", 16, "london")
    with pytest.raises(SandboxError, match="no NONE in its listings"):
        await sandbox.sell("NONE", 1, "london")
    with pytest.raises(SandboxError, match="expected one of fba, leeds, london, merchant"):
        await sandbox.sell("TEA-1", 1, "paris")
    await sandbox.close()
    again = await start(build_small_world(), tmp_path, int(address.rsplit(":", 1)[1]))
    assert again.config["endpoint"] == address
    with pytest.raises(SandboxError, match="is in use"):
        await start(build_small_world(), tmp_path, int(address.rsplit(":", 1)[1]))
    await again.close()
