"""How mutations are executed: through the command bus, under the idempotency key of their input."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import strawberry

from gateway.commerce.access.audit import Attempt, is_counted_refusal
from gateway.execution.context import Context, freeze
from gateway.execution.errors import BadUserInputError
from gateway.graphql.filters import unwrap
from gateway.graphql.inputs import declare_required
from gateway.graphql.runtime_protocol import digest_bounded_client, get_runtime
from gateway.model import validation
from gateway.model.audit import AuditChange
from gateway.model.mutation_result import MutationResult, UserError
from gateway.model.validation import InvalidValueError
from gateway.runtime.command_bus import UseCase
from gateway.storage.idempotency import Claim

MAX_KEY_LENGTH = 200
MAX_REASON_LENGTH = 500
CLAIM_LASTS = timedelta(minutes=1)
"""After this time an execution that has no result counts as killed, and a retry takes over its key."""

ADDED: Mapping[str, bool] = {"added": True}
"""Metadata of an optional input field that was added after the input was first published."""

CART_PRINCIPAL = "cart "
"""Prefix of the owner of keys of a client that has nothing but a cart token."""

Input = strawberry.argument(description="The input of the mutation.")


def declare_key() -> Any:
    """Declare the `idempotencyKey` of an input."""
    return declare_required(
        "Unique key chosen by the client (for example a UUID), at most 200 characters. Retrying with the same key and "
        "input returns the original result without executing the mutation again. Keys are kept for 14 days; those of "
        "clients without a token as long as their cart, at least 24 hours, and not at all if the mutation is refused."
    )


def build_claim(context: Context, mutation: str, input: Any, principal: str | None = None) -> Claim:
    """Build the claim of the input's idempotency key.

    Args:
        principal: the owner of the key where the caller has no name.
    """
    try:
        key = validation.check_text("idempotencyKey", input.idempotency_key, MAX_KEY_LENGTH)
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error
    return Claim(
        principal=context.caller.principal or principal or "",
        key=key,
        fingerprint=hashlib.blake2s(repr((mutation, *_list_values(input))).encode(), digest_size=16).hexdigest(),
        run=secrets.token_hex(8),
        at=context.now,
        until=context.now + CLAIM_LASTS,
        client_key=digest_bounded_client(context),
        client_limit=get_runtime(context).selling.anonymous_changes,
        cart_id=_find_cart(principal or ""),
    )


def _list_values(input: Any) -> Iterator[Hashable]:
    """List the values of an input. A field that earlier versions did not have counts only if it is given: a retry of a
    request to an earlier version has the same values.
    """
    for field in fields(input):
        value = getattr(input, field.name)
        is_left_out = field.metadata.get("added") and value is strawberry.UNSET
        if field.name != "idempotency_key" and not is_left_out:
            yield freeze(value)


def _find_cart(principal: str) -> str | None:
    """Return the cart that owns the key, if one does."""
    return principal.removeprefix(CART_PRINCIPAL) if principal.startswith(CART_PRINCIPAL) else None


async def execute(
    context: Context,
    mutation: str,
    input: Any,
    use_case: UseCase,
    subject: MutationResult | None = None,
    principal: str | None = None,
    changes: Sequence[AuditChange] = (),
) -> MutationResult:
    """Execute the mutation's use case through the command bus.

    Args:
        mutation: its GraphQL name; part of the fingerprint under which the idempotency key is stored.
        subject: what the mutation is about, for results that refuse it.
        principal: the owner of the key where the caller has no name.
        changes: values for the audit trail that the subject does not show.
    """
    claim, attempt = build_claim(context, mutation, input, principal), build_attempt(context, mutation, input, changes)
    result = await get_runtime(context).commands.execute(
        use_case, claim, subject or MutationResult(), attempt, context.release_slot(), context.write_permit.begin
    )
    if is_counted_refusal(attempt, result):
        context.count_refusal(mutation, result.user_errors[0].code.value)
    context.clear_loaders()
    return result


def build_attempt(context: Context, mutation: str, input: Any, changes: Sequence[AuditChange] = ()) -> Attempt:
    """Build what the audit trail records of a mutation."""
    reasons = (unwrap(getattr(input, name, None)) for name in ("reason", "note"))
    reason = next((str(text) for text in reasons if isinstance(text, str) and text), None)
    return Attempt(
        actor=context.caller.actor,
        action=mutation,
        subject_type=find_subject_type(mutation),
        request_id=context.request_id,
        changes=changes,
        reason=reason and reason[:MAX_REASON_LENGTH],
        channel=unwrap(getattr(input, "channel_key", None)),
        location=unwrap(getattr(input, "location_key", None) or getattr(input, "from_location_key", None)),
    )


def find_subject_type(mutation: str) -> str | None:
    """Return the type of the object that the result of a mutation names, by the first words of the mutation's name."""
    return next((type_ for prefix, type_ in _SUBJECT_TYPES.items() if mutation.startswith(prefix)), None)


_SUBJECT_TYPES = {
    "apiToken": "ApiToken",
    "cart": "Cart",
    "channel": "Channel",
    "customerMergeUndo": "CustomerMerge",
    "customerMerge": "Customer",
    "customerSplit": "CustomerMerge",
    "customerReview": "CustomerReview",
    "customer": "Customer",
    "consent": "Customer",
    "interaction": "Interaction",
    "dataRequest": "DataRequest",
    "documentPolicy": "Document",
    "fulfillment": "Fulfillment",
    "listing": "Listing",
    "loyaltyPost": "LoyaltyEntry",
    "matchReview": "MatchReview",
    "order": "Order",
    "outbox": "OutboxEntry",
    "stockAdjust": "StockLevel",
    "stockTransfer": "StockLevel",
    "syncReject": "SyncReject",
}


def refuse(problems: Sequence[UserError], subject: MutationResult | None = None) -> UseCase | None:
    """Return the use case that only refuses the input for these problems; None if there are none."""
    result = replace(subject or MutationResult(), user_errors=tuple(problems))
    return (lambda _: result) if problems else None
