"""What can go wrong with a channel, by what can be done about it.

A plugin raises these and nothing else. Whatever else it raises or returns wrongly becomes a `ContractError` that names
the plugin, and none of its text reaches a client.
"""

from __future__ import annotations

from datetime import timedelta


class ChannelError(Exception):
    """The base of the family. The message is for staff: what failed and what to do, never a secret or a raw answer."""

    retryable = True


class UnavailableError(ChannelError):
    """The channel could not be reached. Nothing has happened there, for certain."""


class RateLimitedError(ChannelError):
    """The channel wants to be asked less. Nothing has happened there.

    Args:
        retry_after: how long the channel asks to be left alone, where it says so.
    """

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BudgetSpentError(RateLimitedError):
    """The channel's budget cannot pay within the time that the call has. It was not asked, and is well.

    Let it through: the feed goes on after `retry_after`, and nothing else waits.
    """


class AuthError(ChannelError):
    """The channel does not accept the credentials. A person has to act; the message says how."""

    retryable = False


class RejectedError(ChannelError):
    """The channel understood and refuses. Asking again in the same words is of no use.

    Args:
        code: the channel's own code for the reason.
    """

    retryable = False

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknownError(ChannelError):
    """A write may or may not have been done. Every timeout of a write is one; it is looked up before it is repeated."""


class CursorExpiredError(ChannelError):
    """The page token is no longer good: the pass starts again from its mark."""


class ContractError(ChannelError):
    """The channel or its plugin breaks what it promised: a wrong type, a missing key, an exception of its own."""

    retryable = False


class ForgedError(ChannelError):
    """A webhook delivery that the channel did not sign."""

    retryable = False


class StaleError(ForgedError):
    """A signed delivery whose signed time is outside the tolerance."""
