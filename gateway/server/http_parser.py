"""HTTP request parser of a connection."""

from __future__ import annotations

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class RequestParser(httptools.HttpRequestParser):
    """A parser that handles a request with an `Upgrade` header as any other: the gateway supports no other protocol.

    The library drops the body of such a request, and parses it as the next request.
    """

    def __init__(self, connection: HttpToolsProtocol) -> None:
        super().__init__(connection)
        self._connection = connection
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does

    def feed_data(self, data: Any) -> None:
        """Parse received data."""
        rest = data
        while rest:
            try:
                super().feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = self._build_plain_head() + rest[upgrade.args[0] :]
            else:
                return

    def _build_plain_head(self) -> bytes:
        """Build the head of the last request without the `Upgrade` header."""
        first = b"%s %s HTTP/%s" % (self.get_method(), self._connection.url, self.get_http_version().encode())
        headers = [b"%s: %s" % (name, value) for name, value in self._connection.headers if name != b"upgrade"]
        return b"\r\n".join([first, *headers, b"", b""])
