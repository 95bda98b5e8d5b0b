"""Requests as they are read from a connection."""

from __future__ import annotations

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Parser(httptools.HttpRequestParser):
    """Reads requests that would go on in another protocol like all others: no other is spoken here.

    The library's own way is to leave out the body of such a request, and to take it for the next one.
    """

    def __init__(self, connection: HttpToolsProtocol) -> None:
        super().__init__(connection)
        self._connection = connection
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as in any connection of uvicorn

    def feed_data(self, data: Any) -> None:
        """Read what has come."""
        rest = data
        while rest:
            try:
                super().feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = self._plain_head() + rest[upgrade.args[0] :]
            else:
                return

    def _plain_head(self) -> bytes:
        """The head of the request that was read last, without its wish for another protocol."""
        first = b"%s %s HTTP/%s" % (self.get_method(), self._connection.url, self.get_http_version().encode())
        kept = [b"%s: %s" % (name, value) for name, value in self._connection.headers if name != b"upgrade"]
        return b"\r\n".join([first, *kept, b"", b""])
