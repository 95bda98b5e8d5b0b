"""Problems of the configuration: one line each, with the key and what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class SettingsError(Exception):
    """The configuration is invalid. `problems`: one line each, with the key and what was expected."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Problems:
    """Collects problems; problems of a channel are separate from all others."""

    def __init__(self) -> None:
        self.by_channel: dict[str, list[str]] = {}
        self.others: list[str] = []

    def add(self, path: Sequence[str | int], message: str) -> None:
        line = f"{'.'.join(map(str, path))}: {message}"
        if path[0] == "channels" and len(path) > 1:
            self.by_channel.setdefault(str(path[1]), []).append(line)
        else:
            self.others.append(line)

    def list_fatal(self, document: Mapping[str, Any]) -> list[str]:
        """List the problems that prevent the start: all except the problems of channels that are not required."""
        tables = document.get("channels", {})
        required = [key for key in self.by_channel if not isinstance(tables[key], dict) or tables[key].get("required")]
        return self.others + [line for key in required for line in self.by_channel[key]]
