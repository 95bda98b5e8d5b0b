"""Errors of channels, by what can be done about them.

A plugin raises only these errors. Any other exception, and any invalid return value, becomes a `ContractError` that
names the plugin; its text is never sent to a client.
"""

from __future__ import annotations

from datetime import timedelta


class ChannelError(Exception):
    """Base class of all channel errors.

    The message is for operators: what failed and how to resolve it, without secrets or raw responses. `retryable`:
    whether the same call may succeed later.
    """

    retryable = True


class UnavailableError(ChannelError):
    """The channel could not be reached. The request certainly had no effect."""


class RateLimitedError(ChannelError):
    """The channel's rate limit was exceeded. The request had no effect.

    Args:
        message: For operators.
        retry_after: When the channel allows the next request; None: it does not say.
    """

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BudgetSpentError(RateLimitedError):
    """The rate budget has no tokens within the deadline of the call. The channel was not called and is healthy.

    Do not catch it: the feed resumes after `retry_after`.
    """


class AuthError(ChannelError):
    """The channel rejected the credentials. An operator must act; the message says how."""

    retryable = False


class RejectedError(ChannelError):
    """The channel rejected the request. Repeating the same request cannot succeed.

    Args:
        message: For operators.
        code: The channel's code of the reason.
    """

    retryable = False

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknownError(ChannelError):
    """A write may or may not have been applied, for example after a timeout. It is looked up before it is repeated."""


class CursorExpiredError(ChannelError):
    """The page token has expired: the pass restarts from its mark."""


class ContractError(ChannelError):
    """The channel or its plugin violated its contract: a wrong type, a missing key, or an unexpected exception."""

    retryable = False


class ForgedError(ChannelError):
    """A webhook delivery has no valid signature."""

    retryable = False


class StaleError(ForgedError):
    """A signed webhook delivery has a timestamp outside of the tolerance."""
