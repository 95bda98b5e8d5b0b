"""Origins whose pages may use the gateway: those of the configuration, and in development local ones."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field

from gateway.settings.schema import ServerTable

_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")

MAX_REPORTED, MAX_ORIGIN = 50, 200
"""How many blocked origins are logged, and their length."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AllowedOrigins:
    """The origins that are allowed.

    Attributes:
        listed: in `[server.cors]`.
        has_local: whether the development servers of this machine are allowed as well.
    """

    listed: frozenset[str]
    has_local: bool
    _reported: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, server: ServerTable) -> AllowedOrigins:
        """Read them from the configuration."""
        return cls(frozenset(server.cors.origins), server.allows_local_pages)

    def __contains__(self, origin: object) -> bool:
        return origin in self.listed or (
            self.has_local and isinstance(origin, str) and _LOCAL.fullmatch(origin) is not None
        )

    def __bool__(self) -> bool:
        return bool(self.listed) or self.has_local

    def report_blocked(self, origin: str) -> None:
        """Log a blocked origin once."""
        shown = ascii(origin[:MAX_ORIGIN])
        if shown not in self._reported and len(self._reported) < MAX_REPORTED:
            self._reported.add(shown)
            _log.warning("blocked a page of the origin %s; [server.cors] origins lists those that are allowed", shown)
