"""Customer mutations of customers themselves, and of staff for them: profile, address book, and claimed orders."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

import strawberry

from gateway.commerce import tokens
from gateway.commerce.customers.address_book import AddressEdit, remove_address, save_address
from gateway.commerce.customers.edited_customers import Editor, refuse_unknown
from gateway.commerce.customers.order_claims import OrderClaim, claim_order
from gateway.commerce.customers.profile_edits import ProfileEdit, update_customer
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError, ForbiddenError, UnauthenticatedError
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.input_values import parse_address, parse_email, parse_short_text
from gateway.graphql.inputs import AddressInput, declare_optional, declare_required
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.mutations.consents import read_customer
from gateway.graphql.mutations.execution import Input, declare_key, execute, refuse
from gateway.graphql.runtime_protocol import build_selling_context, get_runtime
from gateway.graphql.scalars import Locale
from gateway.model.actors import CallerKind
from gateway.model.customers.profiles import Customer
from gateway.model.locations import Address
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.runtime.command_bus import UseCase

MAX_TAGS = 50
OMITTED_CUSTOMER = "ID of the customer. Requires `customers:write`. Omitted: the customer who is logged in."


@strawberry.input(
    description="Changes of a customer. Null removes what was entered here; a channel's value shows then."
)
class CustomerUpdateInput:
    customer_id: strawberry.ID | None = declare_optional(OMITTED_CUSTOMER)
    version: int = declare_required(
        "The customer version the client last read. If the customer has changed since, the mutation returns CONFLICT."
    )
    given_name: str | None = declare_optional("Given name.")
    family_name: str | None = declare_optional("Family name.")
    email: str | None = declare_optional("Email address. It is not verified until the issuer of the login says so.")
    phone: str | None = declare_optional("Phone number. It is not verified.")
    locale: Locale | None = declare_optional("The preferred language.")
    tags: list[str] | None = declare_optional("Labels. Staff only.", max_items=MAX_TAGS)
    idempotency_key: str = declare_key()


async def resolve_customer_update(context: Context, *, input: Annotated[CustomerUpdateInput, Input]) -> MutationResult:
    editor = _read_editor(context, input.customer_id)
    if editor.by_customer and input.tags is not strawberry.UNSET:
        raise BadUserInputError("input.tags: only staff can set them.")
    edit = ProfileEdit(editor=editor, version=input.version, values=dict(_list_values(input)))
    use_case = partial(update_customer, edit=edit, context=build_selling_context(context))
    return await _execute(context, "customerUpdate", input, editor, use_case)


def _list_values(input: CustomerUpdateInput) -> Iterator[tuple[str, Any]]:
    """List the given fields with their parsed values."""
    for name in ("given_name", "family_name", "phone"):
        if (value := getattr(input, name)) is not strawberry.UNSET:
            yield name, parse_short_text(f"input.{name}", value)
    if input.email is not strawberry.UNSET:
        yield "email", parse_email("input.email", input.email)
    if input.locale is not strawberry.UNSET:
        yield "locale", input.locale
    if input.tags is not strawberry.UNSET:
        texts = [parse_short_text(f"input.tags.{n}", tag) for n, tag in enumerate(input.tags or ())]
        yield "tags", None if input.tags is None else list(dict.fromkeys(filter(None, texts)))


@strawberry.input(description="An address to store in the address book.")
class CustomerAddressSaveInput:
    customer_id: strawberry.ID | None = declare_optional(OMITTED_CUSTOMER)
    address_id: strawberry.ID | None = declare_optional("ID of the address to replace. Omitted: a new address.")
    address: AddressInput = declare_required("The address.")
    default_shipping: bool | None = declare_optional("Whether forms show it first as shipping address.")
    default_billing: bool | None = declare_optional("Whether forms show it first as billing address.")
    idempotency_key: str = declare_key()


async def resolve_customer_address_save(
    context: Context, *, input: Annotated[CustomerAddressSaveInput, Input]
) -> MutationResult:
    editor, address_id = _read_editor(context, input.customer_id), unwrap(input.address_id)
    edit = AddressEdit(
        editor=editor,
        address=parse_address("input.address", input.address) or Address(),
        address_id=None if address_id is None else _parse_address_id(address_id),
        default_shipping=unwrap(input.default_shipping),
        default_billing=unwrap(input.default_billing),
    )
    use_case = partial(save_address, edit=edit, context=build_selling_context(context))
    return await _execute(context, "customerAddressSave", input, editor, use_case)


@strawberry.input(description="An address to remove from the address book.")
class CustomerAddressRemoveInput:
    customer_id: strawberry.ID | None = declare_optional(OMITTED_CUSTOMER)
    address_id: strawberry.ID = declare_required("ID of the address.")
    idempotency_key: str = declare_key()


async def resolve_customer_address_remove(
    context: Context, *, input: Annotated[CustomerAddressRemoveInput, Input]
) -> MutationResult:
    editor, selling = _read_editor(context, input.customer_id), build_selling_context(context)
    use_case = partial(remove_address, editor=editor, address_id=_parse_address_id(input.address_id), context=selling)
    return await _execute(context, "customerAddressRemove", input, editor, use_case)


def _parse_address_id(text: str) -> str:
    """Parse the ID of an address. Those of channels have another form, and cannot be changed."""
    return parse_row_id("input.addressId", "CustomerAddress", text)


@strawberry.input(description="An order that the customer placed as a guest: its token, or its channel and number.")
class OrderClaimInput:
    channel_key: str | None = declare_optional("Key of the channel.")
    number: str | None = declare_optional(
        "Number of the order. The login has to have verified its email address, and to have the name of its contact."
    )
    order_access_token: str | None = declare_optional("`Order.accessToken`.")
    idempotency_key: str = declare_key()


async def resolve_order_claim(context: Context, *, input: Annotated[OrderClaimInput, Input]) -> MutationResult:
    _require_login(context)
    token, problems = unwrap(input.order_access_token), list[UserError]()
    claim = OrderClaim(
        home=context.caller.home or "",
        client=context.network or context.caller.principal,
        order_id=None if token is None else _check_token(context, token, problems),
        channel=unwrap(input.channel_key) or "",
        number=unwrap(input.number) or "",
    )
    if token is None and not (claim.channel and claim.number):
        raise BadUserInputError("input: expected orderAccessToken, or channelKey and number.")
    use_case = partial(claim_order, claim=claim, context=build_selling_context(context))
    return await execute(context, "orderClaim", input, refuse(problems) or use_case)


def _require_login(context: Context) -> None:
    if context.caller.home is None:
        error = UnauthenticatedError if context.caller.kind is CallerKind.ANONYMOUS else ForbiddenError
        raise error("This needs the token of a customer who has logged in.")


def _check_token(context: Context, token: str, problems: list[UserError]) -> str | None:
    """Return the order of a token."""
    id_ = tokens.extract_row_id(token)
    if id_ is not None and tokens.is_order_token(get_runtime(context).selling.secrets, token, id_):
        return id_
    message = "There is no order with this token."
    problems.append(UserError(code=UserErrorCode.NOT_FOUND, field=("input", "orderAccessToken"), message=message))
    return None


def _read_editor(context: Context, customer_id: str | None) -> Editor:
    given = unwrap(customer_id)
    return Editor(customer_id=read_customer(context, given), by_customer=given is None)


async def _execute(context: Context, mutation: str, input: Any, editor: Editor, use_case: UseCase) -> MutationResult:
    """Execute a mutation of a customer that the caller sees."""
    customer: Customer | None = await context.load(load_customers, editor.customer_id)
    result = MutationResult(subject=editor.customer_id)
    if customer is None:  # refused as the use case refuses an unknown one
        return await execute(context, mutation, input, lambda _: refuse_unknown())
    return await execute(context, mutation, input, use_case, result)
