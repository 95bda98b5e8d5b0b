"""What is answered with an error."""

from __future__ import annotations


class RefusalError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def invalid(message: str) -> RefusalError:
    """A request that was asked wrongly."""
    return RefusalError(400, "InvalidInput", message)
