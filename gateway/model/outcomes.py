"""What becomes of a wish to change something: done, or refused with reasons that a person can act on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.model.carts import CartWarning


class UserErrorCode(Enum):
    """Why something was refused, by what the one who asked can do about it."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class UserError:
    """One reason for which a wish was refused.

    Attributes:
        field: where in the input, from the outside in; None: it is about no field in particular.
        retryable: whether the same wish may be granted later.
        available_quantity: how much could be had instead.
        channel_key: the channel that it is about.
    """

    code: UserErrorCode
    message: str
    field: tuple[str, ...] | None = None
    retryable: bool = False
    retry_after_seconds: int | None = None
    available_quantity: int | None = None
    channel_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a wish. It names rows, and holds none: whoever shows them reads them as they are by then.

    Attributes:
        subject: the id or key of what the wish was about, also when it was refused.
        subjects: what else the answer names: the rows that came of it, in order.
        listing: the listing concerned, where that is not the subject.
        warnings: what a shopper should know about what was granted.
        done: whether what was wished for has been done.
    """

    subject: str | None = None
    subjects: tuple[str, ...] = ()
    listing: str | None = None
    warnings: tuple[CartWarning, ...] = ()
    done: bool = False
    user_errors: tuple[UserError, ...] = ()

    @property
    def may_pass(self) -> bool:
        """Whether it was refused for something that may be over when the same is wished for again."""
        return any(error.retryable for error in self.user_errors)
