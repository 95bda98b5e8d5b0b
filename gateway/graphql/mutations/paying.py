"""Payments in inputs."""

from __future__ import annotations

import strawberry

from gateway.commerce.payments import Offered
from gateway.graphql.addresses import short
from gateway.graphql.inputs import MoneyInput, given, required
from gateway.graphql.money import money
from gateway.model.orders import PaymentKind


@strawberry.input(description="A payment. The gateway takes no money itself: it is told.")
class PaymentInput:
    kind: PaymentKind = required("How it is paid. TENDERED needs `payments:assert`.")
    provider: str | None = given("Who takes it: `stripe`, `cash`.")
    reference: str | None = given("By which the provider knows it.")
    amount: MoneyInput = required("How much.")


def offered(payment: PaymentInput) -> Offered:
    """The payment, as commerce takes it."""
    return Offered(
        payment.kind,
        short("provider", payment.provider),
        short("reference", payment.reference),
        money("payment.amount", payment.amount),
    )
