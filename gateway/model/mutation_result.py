"""Results of mutations: applied, or refused with errors that the user can resolve."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.model.carts import CartWarning


class UserErrorCode(Enum):
    """Reason why a mutation was refused, by what the caller can do about it."""

    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"
    PRICE_CHANGED = "PRICE_CHANGED"
    TOTAL_CHANGED = "TOTAL_CHANGED"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    CART_EXPIRED = "CART_EXPIRED"
    CART_EMPTY = "CART_EMPTY"
    OPTION_EXPIRED = "OPTION_EXPIRED"
    NOT_OFFERED = "NOT_OFFERED"
    NOT_RETURNABLE = "NOT_RETURNABLE"
    PAYMENT_REQUIRED = "PAYMENT_REQUIRED"
    PAYMENT_MISMATCH = "PAYMENT_MISMATCH"
    NOT_SUPPORTED_BY_CHANNEL = "NOT_SUPPORTED_BY_CHANNEL"
    CHANNEL_UNAVAILABLE = "CHANNEL_UNAVAILABLE"
    CHANNEL_REJECTED = "CHANNEL_REJECTED"
    NOT_ALLOWED_IN_STATE = "NOT_ALLOWED_IN_STATE"
    CODE_WRONG = "CODE_WRONG"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    CONFLICT = "CONFLICT"
    IN_PROGRESS = "IN_PROGRESS"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    CHANNEL_NOT_ALLOWED = "CHANNEL_NOT_ALLOWED"
    LOCATION_NOT_ALLOWED = "LOCATION_NOT_ALLOWED"
    SCOPE_NOT_HELD = "SCOPE_NOT_HELD"
    NOT_VERIFIED = "NOT_VERIFIED"
    INSUFFICIENT_POINTS = "INSUFFICIENT_POINTS"
    LOGIN_TOO_OLD = "LOGIN_TOO_OLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserError:
    """A reason why a mutation was refused.

    Attributes:
        message: Human-readable text, in English.
        field: Path of the invalid field in the input, outermost first; None: not about one field in particular.
        retryable: Whether the same request may succeed later.
        retry_after_seconds: Seconds to wait before a retry; None: not known.
        available_quantity: Quantity that is available instead; None: not about a quantity.
        channel_key: Key of the channel that the error concerns; None: none.
    """

    code: UserErrorCode
    message: str
    field: tuple[str, ...] | None = None
    retryable: bool = False
    retry_after_seconds: int | None = None
    available_quantity: int | None = None
    channel_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationResult:
    """Result of a mutation. It refers to rows by ID; the response reads them in their current state.

    Attributes:
        subject: Id or key of the object that the mutation concerns, also after a refusal; None: not found.
        subjects: Ids or keys of other objects that the payload contains, in order.
        listing: Row ID of the listing, if it is not the subject.
        warnings: Notices about the accepted change, to show to the customer.
        done: Whether the requested work is complete.
        user_errors: Why the mutation was refused; empty: it was applied.
    """

    subject: str | None = None
    subjects: tuple[str, ...] = ()
    listing: str | None = None
    warnings: tuple[CartWarning, ...] = ()
    done: bool = False
    user_errors: tuple[UserError, ...] = ()

    @property
    def is_retryable(self) -> bool:
        """Whether the mutation was refused for a reason that may be gone when the request is retried."""
        return any(error.retryable for error in self.user_errors)
