"""Mutations about the data of customers: exports and erases."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.privacy.requests import DataRequestDraft, cancel_request, record_part, request_data
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.customer_visibility import require_all_channels
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.customers import read_text
from gateway.graphql.mutations.execution import Input, declare_key, execute, refuse
from gateway.graphql.runtime_protocol import build_selling_context
from gateway.graphql.scopes import CUSTOMERS_ERASE
from gateway.model.customers.data_requests import DataRequestKind
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode

MAX_LOGIN_AGE = timedelta(minutes=10)
"""Age of a login with which a customer can request an erase."""

MAX_PROOF_LENGTH = 500
OMITTED_CUSTOMER = "ID of the customer. Requires `customers:erase`. Omitted: the customer who is logged in."


@strawberry.input(description="An export to request.")
class CustomerExportInput:
    customer_id: strawberry.ID | None = declare_optional(OMITTED_CUSTOMER)
    idempotency_key: str = declare_key()


async def resolve_customer_export(context: Context, *, input: Annotated[CustomerExportInput, Input]) -> MutationResult:
    draft = _build_draft(context, DataRequestKind.EXPORT, unwrap(input.customer_id), None)
    use_case = partial(request_data, draft=draft, context=build_selling_context(context))
    return await execute(context, "dataRequestExport", input, use_case)


@strawberry.input(description="An erase to request.")
class CustomerEraseInput:
    customer_id: strawberry.ID | None = declare_optional(OMITTED_CUSTOMER)
    confirm: str = declare_required("An email address, phone number or loyalty number of the customer, typed.")
    idempotency_key: str = declare_key()


async def resolve_customer_erase(context: Context, *, input: Annotated[CustomerEraseInput, Input]) -> MutationResult:
    customer_id = unwrap(input.customer_id)
    draft = _build_draft(context, DataRequestKind.ERASE, customer_id, read_text("confirm", input.confirm, 320))
    problems = _check_login(context) if customer_id is None else []
    use_case = partial(request_data, draft=draft, context=build_selling_context(context))
    return await execute(context, "dataRequestErase", input, refuse(problems) or use_case)


def _build_draft(
    context: Context, kind: DataRequestKind, customer_id: str | None, confirm: str | None
) -> DataRequestDraft:
    """Build a request for the customer who is logged in, or by staff for another.

    Raises:
        UnauthenticatedError, ForbiddenError: the caller lacks the scope, or sees some channels only.
    """
    if customer_id is None and context.caller.home is not None:
        return DataRequestDraft(
            kind=kind, customer_id=context.caller.home, proved=True, requested_by="", confirm=confirm
        )
    context.require(CUSTOMERS_ERASE)
    require_all_channels(context)
    if customer_id is None:
        raise BadUserInputError("input.customerId: required. Only customers who are logged in can omit it.")
    return DataRequestDraft(
        kind=kind,
        customer_id=parse_row_id("input.customerId", "Customer", customer_id),
        proved=False,
        requested_by=context.caller.name,
        confirm=confirm,
    )


def _check_login(context: Context) -> list[UserError]:
    """Refuse a login that is not fresh: the app may be another's hands, and the token of months ago."""
    auth_time = context.caller.auth_time
    if auth_time is not None and context.now - auth_time <= MAX_LOGIN_AGE:
        return []
    message = f"Log in again: an erase requires a login of the last {MAX_LOGIN_AGE // timedelta(minutes=1)} minutes."
    return [UserError(code=UserErrorCode.LOGIN_TOO_OLD, message=message)]


@strawberry.input(description="A request to cancel.")
class DataRequestCancelInput:
    request_id: strawberry.ID = declare_required("ID of the request.")
    idempotency_key: str = declare_key()


async def resolve_data_request_cancel(
    context: Context, *, input: Annotated[DataRequestCancelInput, Input]
) -> MutationResult:
    owner = context.caller.home
    if owner is None:
        context.require(CUSTOMERS_ERASE)
        require_all_channels(context)
    request_id = parse_row_id("input.requestId", "DataRequest", input.request_id)
    use_case = partial(cancel_request, request_id=request_id, owner=owner, context=build_selling_context(context))
    return await execute(context, "dataRequestCancel", input, use_case)


@strawberry.input(description="The erase by a person in a channel that cannot do it.")
class DataRequestPartRecordInput:
    request_id: strawberry.ID = declare_required("ID of the request.")
    channel_key: str = declare_required("Key of the channel.")
    proof: str = declare_required(
        f"What was done, without personal data: it stays. At most {MAX_PROOF_LENGTH} characters."
    )
    idempotency_key: str = declare_key()


async def resolve_data_request_part_record(
    context: Context, *, input: Annotated[DataRequestPartRecordInput, Input]
) -> MutationResult:
    require_all_channels(context)
    use_case = partial(
        record_part,
        request_id=parse_row_id("input.requestId", "DataRequest", input.request_id),
        channel=input.channel_key,
        proof=read_text("proof", input.proof, MAX_PROOF_LENGTH),
        context=build_selling_context(context),
    )
    return await execute(context, "dataRequestPartRecord", input, use_case)
