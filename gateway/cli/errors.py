"""Errors of commands, one line each."""

from __future__ import annotations

from collections.abc import Sequence


class CommandError(Exception):
    """The command cannot be executed. The message tells what to do instead."""


def describe_error(error: Exception) -> Sequence[str] | None:
    """Return the lines for an expected error, or None for a bug, whose traceback is printed."""
    from gateway.channels.loader import RequiredChannelError
    from gateway.sdk.testing.sandbox import SandboxError
    from gateway.server.lifecycle import ListenError
    from gateway.settings.problems import SettingsError
    from gateway.storage.errors import DatabaseUrlError, StorageUnavailableError
    from gateway.storage.migrate import NewerDatabaseError

    match error:
        case SettingsError() | RequiredChannelError():
            return error.problems
        case DatabaseUrlError() | StorageUnavailableError():
            return [f"database: {error}"]
        case CommandError() | ListenError() | NewerDatabaseError() | SandboxError() | OSError():
            return [str(error)]
    if any(
        kind.__name__ == "DBAPIError" for kind in type(error).__mro__
    ):  # the library is an internal detail of the storage
        return [f"database: {getattr(error, 'orig', None) or type(error).__name__}"]
    return None
