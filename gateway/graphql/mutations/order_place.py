"""`orderPlace`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce import credentials
from gateway.commerce.carts import Held
from gateway.commerce.payments import Offered
from gateway.commerce.placing import Wanted, place
from gateway.execution.context import Context
from gateway.graphql.addresses import address, short
from gateway.graphql.house import house
from gateway.graphql.inputs import AddressInput, MoneyInput, given, required
from gateway.graphql.money import money
from gateway.graphql.mutations.carting import owner
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.mutations.paying import PaymentInput, offered
from gateway.graphql.mutations.telling import once_told
from gateway.model.orders import OrderContact, PaymentKind
from gateway.model.outcomes import Outcome

ASSERT = [["payments:assert"]]


@strawberry.input(description="How the buyer can be reached about her order.")
class ContactInput:
    name: str | None = given("Her name.")
    email: str | None = given("Her e-mail address.")
    phone: str | None = given("Her phone number.")


@strawberry.input(description="A cart that is to become an order.")
class OrderPlaceInput:
    cart_token: str = required("The cart's token.")
    cart_version: int = required("The version that the buyer saw.")
    fulfillment_option_token: str = required("One of `fulfillmentOptions`.")
    contact: ContactInput = required("How the buyer can be reached.")
    shipping_address: AddressInput | None = given("Where it goes, if anything is sent.")
    payments: list[PaymentInput] = required("How it is paid: together exactly the total.")
    expected_total: MoneyInput = required("What the buyer was told it comes to, shipping included.")
    idempotency_key: str = key_field()


async def order_place(context: Context, *, input: Annotated[OrderPlaceInput, Input]) -> Outcome:
    payments = [offered(one) for one in input.payments]
    if any(one.kind is PaymentKind.TENDERED for one in payments):
        context.require(ASSERT)
    work = partial(place, wanted=_wanted(input, payments), selling=house(context).selling, now=context.now)
    outcome = await once_told(context, "orderPlace", input, Outcome(), work, principal=owner(input.cart_token))
    _own(context, outcome)
    return outcome


def _wanted(input: OrderPlaceInput, payments: list[Offered]) -> Wanted:
    contact = input.contact
    return Wanted(
        held=Held(input.cart_token, input.cart_version),
        option_token=input.fulfillment_option_token,
        contact=OrderContact(
            name=short("contact.name", contact.name),
            email=short("contact.email", contact.email),
            phone=short("contact.phone", contact.phone),
        ),
        shipping_address=address(input.shipping_address),
        payments=payments,
        expected=money("expectedTotal", input.expected_total),
    )


def _own(context: Context, outcome: Outcome) -> None:
    """Whoever places an order sees it; the answer to a lost answer too."""
    if outcome.done and outcome.subject:
        context.tokens[outcome.subject] = credentials.of_order(house(context).selling.secret, outcome.subject)
        context.placed.add(outcome.subject)
