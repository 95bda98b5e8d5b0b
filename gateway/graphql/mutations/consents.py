"""Consent mutations: what customers allow, and the confirmation of a grant."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.consents.requests import ConsentRequest, confirm_consent, set_consent
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.customer_visibility import check_customers
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.customers import read_text
from gateway.graphql.mutations.execution import Input, declare_key, execute, refuse
from gateway.graphql.runtime_protocol import build_selling_context
from gateway.graphql.scopes import CUSTOMERS_WRITE
from gateway.model.customers.consents import ConsentPurpose
from gateway.model.mutation_result import MutationResult
from gateway.sdk.consents import MAX_WORDING_LENGTH


@strawberry.input(description="What a customer allows, or does not.")
class ConsentSetInput:
    customer_id: strawberry.ID | None = declare_optional(
        "ID of the customer. Requires `customers:write`. Omitted: the customer who is logged in."
    )
    purpose: ConsentPurpose = declare_required("What it is about.")
    address: str | None = declare_optional(
        "One of the customer's email addresses or phone numbers. Omitted: all of them for a denial, the preferred one "
        "for a grant."
    )
    granted: bool = declare_required("Whether the customer allows it.")
    wording: str = declare_required(f"What the customer was shown. At most {MAX_WORDING_LENGTH} characters.")
    idempotency_key: str = declare_key()


async def resolve_consent_set(context: Context, *, input: Annotated[ConsentSetInput, Input]) -> MutationResult:
    address, by_customer = unwrap(input.address), unwrap(input.customer_id) is None
    request = ConsentRequest(
        customer_id=read_customer(context, unwrap(input.customer_id)),
        by_customer=by_customer,
        purpose=input.purpose,
        granted=input.granted,
        wording=read_text("wording", input.wording, MAX_WORDING_LENGTH),
        address=None if address is None else read_text("address", address, 320),
    )
    problems = await check_customers(context, {} if by_customer else {"customerId": request.customer_id})
    use_case = partial(set_consent, request=request, context=build_selling_context(context))
    return await execute(context, "consentSet", input, refuse(problems) or use_case)


def read_customer(context: Context, customer_id: str | None) -> str:
    """Return the customer that a mutation is about: another one requires `customers:write`.

    Raises:
        UnauthenticatedError, ForbiddenError: the caller lacks the scope, or is no customer.
    """
    if customer_id is None and context.caller.home is not None:
        return context.caller.home
    context.require(CUSTOMERS_WRITE)
    if customer_id is None:
        raise BadUserInputError("input.customerId: required. Only customers who are logged in can omit it.")
    return parse_row_id("input.customerId", "Customer", customer_id)


@strawberry.input(description="The confirmation of a consent.")
class ConsentConfirmInput:
    token: str = declare_required("The token that was sent to the address.")
    idempotency_key: str = declare_key()


async def resolve_consent_confirm(context: Context, *, input: Annotated[ConsentConfirmInput, Input]) -> MutationResult:
    use_case = partial(confirm_consent, token=input.token, context=build_selling_context(context))
    return await execute(context, "consentConfirm", input, use_case)
