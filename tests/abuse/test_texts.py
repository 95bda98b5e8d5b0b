"""Texts that a client sends: none reaches a channel or a log with a line break or an escape sequence in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution import text_inputs
from gateway.execution.errors import BadUserInputError
from gateway.execution.text_inputs import TextRule
from gateway.graphql.input_values import parse_email
from tests.graphql.mutation_documents import build_document, list_user_error_codes
from tests.graphql.shopper import ADDRESS, TABLES, Shopper, build_stores, make_key
from tests.graphql.world import ADMIN, World, get_schema, open_world

INJECTED = "Ada\r\nBcc: all@example.com"
CONTROLS = "\x00\x01\t\n\r\x1b\x7f\x85\x9b\u2028\u2029"
COMPARED = {
    "boughtSkus",
    "brands",
    "gtins",
    "handle",
    "loyaltyNumber",
    "name",  # of an option
    "number",
    "search",
    "skus",
    "tags",
    "value",
    "values",
}
"""Inputs that are only compared with texts of channels."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        yield world


async def refuse(world: World, name: str, **given: Any) -> str:
    """Send a mutation that is bad input and return the message."""
    answer = await world.client.ask(build_document(name), ADMIN, input={"idempotencyKey": make_key(), **given})
    assert answer.codes == ["BAD_USER_INPUT"], answer.body
    message: str = answer.body["errors"][0]["message"]
    return message


@pytest.mark.anyio
@pytest.mark.any_database
async def test_an_order_with_a_line_break_in_a_text_is_refused_and_its_cart_remains(world: World) -> None:
    shopper = Shopper(world)
    await shopper.fill("web", MUG=1)
    option = await shopper.find_option("SHIPPING", "depot")
    order = {
        "cartToken": shopper.cart["token"],
        "cartVersion": 1,
        "fulfillmentOptionToken": option["token"],
        "payments": [],
        "expectedTotal": {"amount": "1.00", "currencyCode": "GBP"},
        "contact": {"name": "Ada"},
    }
    for contact in ("name", "email", "phone"):
        message = await refuse(world, "orderPlace", **{**order, "contact": {contact: INJECTED}})
        assert message == f"input.contact.{contact}: contains a control character (U+000D)."
    for line in ("name", "company", "line1", "line2", "city", "region", "postalCode", "phone"):
        message = await refuse(world, "orderPlace", **order, shippingAddress={**ADDRESS, line: INJECTED})
        assert message.startswith(f"input.shippingAddress.{line}: ")
    assert list_user_error_codes(await shopper.buy(option)) == []


@pytest.mark.anyio
@pytest.mark.any_database
async def test_the_proof_that_only_this_check_keeps_line_breaks_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_inputs, "check_text", lambda *_: None)
    shopper = Shopper(world)
    await shopper.fill("web", MUG=1)
    payload = await shopper.buy(await shopper.find_option("SHIPPING", "depot"), contact={"name": INJECTED})
    assert list_user_error_codes(payload) == []


@pytest.mark.anyio
@pytest.mark.any_database
async def test_a_check_names_the_item_of_a_list(world: World) -> None:
    payment = {"kind": "PROVIDER", "amount": {"amount": "1.00", "currencyCode": "GBP"}}
    given = {
        "cartToken": "x",
        "cartVersion": 1,
        "fulfillmentOptionToken": "x",
        "contact": {},
        "payments": [payment, {**payment, "reference": "a\x1b[2J"}],
        "expectedTotal": payment["amount"],
    }
    assert await refuse(world, "orderPlace", **given) == (
        "input.payments.1.reference: contains a control character (U+001B)."
    )


@given(st.text(), st.sampled_from(CONTROLS), st.text())
def test_a_text_of_one_line_never_has_a_control_character(before: str, control: str, after: str) -> None:
    with pytest.raises(BadUserInputError, match=r"^name: contains a control character"):
        text_inputs.check_text("name", before + control + after, TextRule.ONE_LINE)


def test_names_of_all_scripts_are_texts_of_one_line() -> None:
    for name in ("Zoë O'Brien-Müller", "Владимир", "山田 太郎", "محمد", "न\u200dम", "👩\u200d👧"):
        text_inputs.check_text("name", name, TextRule.ONE_LINE)


def iterate_free_texts() -> Iterator[str]:
    """Yield the paths of all texts in arguments that may have several lines."""
    schema = get_schema()
    for root in (schema.query_type, schema.mutation_type):
        assert root is not None
        for field in root.fields.values():
            yield from _iterate_free(field.args, set())


def _iterate_free(definitions: Any, seen: set[str]) -> Iterator[str]:
    for name, definition in definitions.items():
        kind = get_named_type(definition.type)
        if isinstance(kind, GraphQLInputObjectType):
            if kind.name not in seen:
                yield from _iterate_free(kind.fields, seen | {kind.name})
        elif definition.extensions["strawberry-definition"].metadata.get("text") is TextRule.STORABLE:
            yield name


def test_only_inputs_that_are_compared_and_one_note_may_have_several_lines() -> None:
    assert set(iterate_free_texts()) <= COMPARED | {"note"}


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        " Ada.Lovelace+shop@EXAMPLE.co.uk ",
        "ada@shop.test",
        "ada@intranet",
        "ada..l.@carrier.example.jp",
        '"ada lovelace"@example.com',
        "ada@[192.0.2.1]",
        "用户@例子.广告",
        "o'brien@example.com",
    ],
)
def test_a_real_address_is_kept_as_typed(address: str) -> None:
    assert parse_email("email", address) == address.strip()


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@example..com",
        "ada@exa mple.com",
        "a@b@example.com",
        "Ada <ada@example.com>",
        "ada@example.com, eve@example.com",
        ".@example.com",
        "ada@-example.com",
        "ada@shop.invalid",
        "a" * 65 + "@example.com",
    ],
)
def test_what_is_no_address_is_refused_with_the_argument(address: str) -> None:
    with pytest.raises(BadUserInputError, match=r"^input\.contact\.email: is not an email address"):
        parse_email("input.contact.email", address)
