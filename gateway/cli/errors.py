"""What goes wrong with a command, in one line each."""

from __future__ import annotations

from collections.abc import Sequence
from socket import gaierror


class CommandError(Exception):
    """What was asked for cannot be done. The message says what to do instead."""


def expected(error: Exception) -> Sequence[str] | None:
    """The lines for an error that is not one of the program; None for others, whose traceback is wanted."""
    from gateway.channels.opening import RequiredChannelError
    from gateway.sdk.testing.sandbox import SandboxError
    from gateway.settings import SettingsError
    from gateway.storage.database import DatabaseUrlError
    from gateway.storage.migrate import NewerDatabaseError

    match error:
        case SettingsError() | RequiredChannelError():
            return error.problems
        case DatabaseUrlError():
            return [f"database: {error}"]
        case ConnectionError() | TimeoutError() | gaierror():  # a channel's own never come this far
            return [f"database: cannot be reached ({error.strerror or error})"]
        case CommandError() | NewerDatabaseError() | SandboxError() | OSError():
            return [str(error)]
    if any(kind.__name__ == "DBAPIError" for kind in type(error).__mro__):  # its library is the storage's own business
        return [f"database: {getattr(error, 'orig', None) or type(error).__name__}"]
    return None
