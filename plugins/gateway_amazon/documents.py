"""Documents of feeds: uploaded to and downloaded from wherever Amazon says, at addresses that are good for minutes."""

from __future__ import annotations

import zlib
from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.sdk import (
    Answer,
    AuthError,
    Context,
    ContractError,
    Http,
    InvalidValueError,
    RateLimitedError,
    Request,
    UnavailableError,
)
from gateway.sdk.shapes import Shape, text
from gateway_amazon.config import AmazonConfig
from gateway_amazon.partner import CREATE_DOCUMENT, GET_DOCUMENT, Operation, SellingPartner
from gateway_amazon.shapes import segment

FEEDS = "/feeds/2021-06-30"
PATH = f"{FEEDS}/documents"
XML = "text/xml; charset=UTF-8"
MOST = 5_000_000
HOSTS = 20
"""From so many addresses documents may come; a region has a handful."""


class Address(NamedTuple):
    """Where a document lies: a host, and what has to be said to it to the letter."""

    origin: str
    path: str


class Documents:
    """The documents of one account. They are asked for without our credentials: the addresses are signed."""

    def __init__(self, config: AmazonConfig, context: Context, partner: SellingPartner) -> None:
        self._context, self._partner = context, partner
        self._scheme = urlsplit(config.endpoint).scheme
        self._hosts: dict[str, Http] = {}

    async def put(self, content: bytes) -> str:
        """Upload one; its id. Nobody looks at it before a feed names it: what fails here has done nothing."""
        made = await self._partner.ask(CREATE_DOCUMENT, PATH, {}, {"contentType": XML})
        id, address = self._told(CREATE_DOCUMENT, made)
        request = Request(method="PUT", path=address.path, headers={"content-type": XML}, body=content)
        await self._sent(address, request)
        return id

    async def get(self, id: str) -> bytes:
        """Download one."""
        found = await self._partner.ask(GET_DOCUMENT, f"{PATH}/{segment(id)}", {})
        _, address = self._told(GET_DOCUMENT, found)
        answer = await self._sent(address, Request(method="GET", path=address.path, most=MOST))
        return _unpacked(answer.body) if found.get("compressionAlgorithm") == "GZIP" else answer.body

    def _told(self, operation: Operation, answer: Shape) -> tuple[str, Address]:
        try:
            url = urlsplit(text(answer, "url"))
            id = text(answer, "feedDocumentId")
        except (InvalidValueError, ValueError) as error:
            raise ContractError(f"the answer of {operation.name} names no document") from error
        if url.scheme not in ("https", self._scheme) or not url.netloc or "@" in url.netloc:
            raise ContractError(f"{operation.name} gave an address that is none of https")
        return id, Address(f"{url.scheme}://{url.netloc}", f"{url.path or '/'}?{url.query}" if url.query else url.path)

    async def _sent(self, address: Address, request: Request) -> Answer:
        try:
            answer = await self._http(address.origin).send(request)
        except (AuthError, RateLimitedError) as error:  # of the host of the document, and not of the account
            raise UnavailableError("the document's address is not good any more") from error
        if answer.status >= 400:
            raise UnavailableError(f"the document's address answers with status {answer.status}")
        return answer

    def _http(self, origin: str) -> Http:
        if origin not in self._hosts:
            if len(self._hosts) >= HOSTS:
                raise ContractError("the documents of feeds lie at too many addresses")
            self._hosts[origin] = self._context.http(origin)
        return self._hosts[origin]


def _unpacked(body: bytes) -> bytes:
    """What was packed, if it is not too much."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        found = unpacking.decompress(body, MOST)
    except zlib.error as error:
        raise ContractError("a document cannot be unpacked") from error
    if not unpacking.eof:
        raise ContractError("a document is not whole, or too long")
    return found
