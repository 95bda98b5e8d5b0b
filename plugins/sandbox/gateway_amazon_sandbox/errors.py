"""Error responses."""

from __future__ import annotations


class RejectedRequestError(Exception):
    """A request that is rejected with an error response."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details


def make_invalid_input(message: str) -> RejectedRequestError:
    """Build the error of an invalid request."""
    return RejectedRequestError(400, "InvalidInput", message)


def make_access_denied(details: str) -> RejectedRequestError:
    """Build the error of a request without a valid access token."""
    return RejectedRequestError(403, "Unauthorized", "Access to requested resource is denied.", details)
