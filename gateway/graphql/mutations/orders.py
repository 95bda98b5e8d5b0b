"""Order mutations: place and cancel an order, record a payment."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce import tokens
from gateway.commerce.checkout.carts import CartRef
from gateway.commerce.orders.cancellation import CancelRequest, cancel_order
from gateway.commerce.orders.order_request import OrderRequest
from gateway.commerce.orders.payment_recording import record_payment
from gateway.commerce.orders.payments import PaymentRequest
from gateway.commerce.orders.placement import place_order
from gateway.commerce.orders.unpaid_caps import OrderClient
from gateway.execution.context import Context
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.input_values import parse_address, parse_email, parse_money, parse_short_text
from gateway.graphql.inputs import AddressInput, MoneyInput, declare_optional, declare_required
from gateway.graphql.loaders.orders import load_orders
from gateway.graphql.mutations.carts import build_cart_principal
from gateway.graphql.mutations.execution import Input, declare_key, execute, refuse
from gateway.graphql.runtime_protocol import build_selling_context, get_runtime
from gateway.model.actors import CallerKind
from gateway.model.audit import AuditChange
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.orders import OrderContact, PaymentKind

WRITE_ORDERS = [["orders:write"]]
ASSERT_PAYMENTS = [["payments:assert"]]

MAX_PAYMENTS = 50
"""Payments of one order, for example with gift cards."""


@strawberry.input(description="A payment. The gateway records payments and takes no money itself.")
class PaymentInput:
    kind: PaymentKind = declare_required("How the order is paid. TENDERED requires `payments:assert`.")
    provider: str | None = declare_optional("The payment provider, for example `stripe` or `cash`.")
    reference: str | None = declare_optional("The provider's reference of the payment.")
    amount: MoneyInput = declare_required("The amount.")


@strawberry.input(description="Contact details for an order.")
class ContactInput:
    name: str | None = declare_optional("Name of the customer.")
    email: str | None = declare_optional("Email address.")
    phone: str | None = declare_optional("Phone number.")


@strawberry.input(description="A cart to place as an order.")
class OrderPlaceInput:
    cart_token: str = declare_required("The cart's token.")
    cart_version: int = declare_required(
        "The cart version shown to the customer. If the cart has changed since, the mutation returns CONFLICT."
    )
    fulfillment_option_token: str = declare_required("Token of one of `fulfillmentOptions`.")
    contact: ContactInput = declare_required("Contact details of the customer.")
    shipping_address: AddressInput | None = declare_optional("Shipping address. Required if anything is shipped.")
    payments: list[PaymentInput] = declare_required("Payments. Their sum must equal the total.", max_items=MAX_PAYMENTS)
    expected_total: MoneyInput = declare_required("The total shown to the customer, including shipping.")
    idempotency_key: str = declare_key()


async def resolve_order_place(context: Context, *, input: Annotated[OrderPlaceInput, Input]) -> MutationResult:
    payments = [_read_payment(f"input.payments.{n}", payment) for n, payment in enumerate(input.payments)]
    if any(payment.kind is PaymentKind.TENDERED for payment in payments):
        context.require(ASSERT_PAYMENTS)
    request = replace(_read_order(input, payments), client=_identify_client(context))
    use_case = partial(place_order, request=request, context=build_selling_context(context))
    result = await execute(context, "orderPlace", input, use_case, principal=build_cart_principal(input.cart_token))
    _grant_order(context, result)
    return result


def _read_order(input: OrderPlaceInput, payments: list[PaymentRequest]) -> OrderRequest:
    contact = input.contact
    return OrderRequest(
        cart=CartRef(input.cart_token, input.cart_version),
        option_token=input.fulfillment_option_token,
        contact=OrderContact(
            name=parse_short_text("input.contact.name", contact.name),
            email=parse_email("input.contact.email", contact.email),
            phone=parse_short_text("input.contact.phone", contact.phone),
        ),
        shipping_address=parse_address("input.shippingAddress", input.shipping_address),
        payments=payments,
        expected_total=parse_money("input.expectedTotal", input.expected_total),
    )


def _identify_client(context: Context) -> OrderClient:
    """Identify the client by which unpaid orders are counted. The server behind a partner's token is not one client."""
    match context.caller.kind:
        case CallerKind.STAFF | CallerKind.ADMIN:
            return OrderClient(is_staff=True)
        case CallerKind.PARTNER:
            return OrderClient()
        case CallerKind.SHOPPER:
            return OrderClient(subject=context.caller.principal)
        case CallerKind.ANONYMOUS:
            return OrderClient(network=context.network)


def _grant_order(context: Context, result: MutationResult) -> None:
    """Let the response show the order to the client that placed it, also when a retry returns the stored result."""
    if result.done and result.subject:
        token = tokens.build_order_token(get_runtime(context).selling.secret, result.subject)
        context.accept_token(result.subject, token)
        context.placed_order_ids.add(result.subject)


@strawberry.input(description="An order to cancel.")
class OrderCancelInput:
    order_id: strawberry.ID = declare_required("ID of the order.")
    version: int = declare_required(
        "The order version the client last read. If the order has changed since, the mutation returns CONFLICT."
    )
    reason: str | None = declare_optional("Reason, shown to staff and the customer.")
    order_access_token: str | None = declare_optional(
        "`Order.accessToken`, with which guests cancel their own unpaid order. Customers with a login do not need "
        "it. Otherwise `orders:write` is required."
    )
    idempotency_key: str = declare_key()


async def resolve_order_cancel(context: Context, *, input: Annotated[OrderCancelInput, Input]) -> MutationResult:
    id_, token = parse_row_id("input.orderId", "Order", input.order_id), unwrap(input.order_access_token)
    reason = parse_short_text("input.reason", input.reason)
    problems = () if await _can_cancel(context, id_, token) else (_ORDER_NOT_FOUND,)
    use_case = partial(
        cancel_order,
        request=CancelRequest(id_, input.version, reason, by_owner=token is not None or not context.caller.is_trusted),
        context=build_selling_context(context),
    )
    subject = MutationResult(subject=None if problems else id_)
    return await execute(context, "orderCancel", input, refuse(problems) or use_case, subject, f"order {id_}")


async def _can_cancel(context: Context, id_: str, token: str | None) -> bool:
    """Whether the caller may cancel orders, owns this one, or presents its token. The response may show it then."""
    if token is None and context.identity_id is not None:
        (order,) = await context.load_all(load_orders, [id_])
        return context.is_own(order)
    if token is None:
        context.require(WRITE_ORDERS)
        return True
    if not tokens.is_order_token(get_runtime(context).selling.secrets, token, id_):
        return False
    context.accept_token(id_, token)
    return True


_ORDER_NOT_FOUND = UserError(
    code=UserErrorCode.NOT_FOUND, field=("input", "orderId"), message="There is no order with this ID."
)


@strawberry.input(description="A payment received for an order.")
class OrderPaymentRecordInput:
    order_id: strawberry.ID = declare_required("ID of the order.")
    payment: PaymentInput = declare_required("The payment: one that the order waits for, or an additional one.")
    idempotency_key: str = declare_key()


async def resolve_order_payment_record(
    context: Context, *, input: Annotated[OrderPaymentRecordInput, Input]
) -> MutationResult:
    id_ = parse_row_id("input.orderId", "Order", input.order_id)
    payment = _read_payment("input.payment", input.payment)
    use_case = partial(record_payment, order_id=id_, payment=payment, context=build_selling_context(context))
    paid = f"{payment.amount.amount} {payment.amount.currency_code}"
    changes = [AuditChange("payment", None, " ".join(filter(None, (paid, payment.provider, payment.reference))))]
    return await execute(context, "orderPaymentRecord", input, use_case, MutationResult(subject=id_), changes=changes)


def _read_payment(name: str, payment: PaymentInput) -> PaymentRequest:
    return PaymentRequest(
        payment.kind,
        parse_short_text(f"{name}.provider", payment.provider),
        parse_short_text(f"{name}.reference", payment.reference),
        parse_money(f"{name}.amount", payment.amount),
    )
