"""Upload and fetch of feed documents, at presigned URLs that Amazon issues and that expire within minutes."""

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
from gateway.sdk.json_access import Shape, get_text
from gateway_amazon.client import CREATE_DOCUMENT, GET_DOCUMENT, AmazonClient, Operation
from gateway_amazon.config import AmazonConfig
from gateway_amazon.json_values import quote_segment

FEEDS_PATH = "/feeds/2021-06-30"
DOCUMENTS_PATH = f"{FEEDS_PATH}/documents"
XML_CONTENT_TYPE = "text/xml; charset=UTF-8"
MAX_DOCUMENT_BYTES = 5_000_000
MAX_HOSTS = 20
"""Maximum number of distinct hosts of documents; a region has a handful."""


class DocumentLocation(NamedTuple):
    """Location of a document. The path and query are sent exactly as Amazon issued them."""

    origin: str
    path: str


class FeedDocuments:
    """The feed documents of an account. Requests carry no credentials: the URLs are presigned."""

    def __init__(self, config: AmazonConfig, context: Context, client: AmazonClient) -> None:
        self._context, self._client = context, client
        self._scheme = urlsplit(config.endpoint).scheme
        self._hosts: dict[str, Http] = {}

    async def upload(self, content: bytes) -> str:
        """Upload a document and return its ID. It has no effect until a feed refers to it, so a failure changes
        nothing.
        """
        document = await self._client.call(CREATE_DOCUMENT, DOCUMENTS_PATH, {}, {"contentType": XML_CONTENT_TYPE})
        id, address = self._parse_location(CREATE_DOCUMENT, document)
        request = Request(method="PUT", path=address.path, headers={"content-type": XML_CONTENT_TYPE}, body=content)
        await self._send(address, request)
        return id

    async def fetch(self, id: str) -> bytes:
        """Download a document."""
        document = await self._client.call(GET_DOCUMENT, f"{DOCUMENTS_PATH}/{quote_segment(id)}", {})
        _, address = self._parse_location(GET_DOCUMENT, document)
        response = await self._send(address, Request(method="GET", path=address.path, most=MAX_DOCUMENT_BYTES))
        return _decompress(response.body) if document.get("compressionAlgorithm") == "GZIP" else response.body

    def _parse_location(self, operation: Operation, answer: Shape) -> tuple[str, DocumentLocation]:
        try:
            url = urlsplit(get_text(answer, "url"))
            id = get_text(answer, "feedDocumentId")
        except (InvalidValueError, ValueError) as error:
            raise ContractError(f"the response of {operation.name} names no document") from error
        if url.scheme not in ("https", self._scheme) or not url.netloc or "@" in url.netloc:
            raise ContractError(f"{operation.name} returned a URL that is not https")
        return id, DocumentLocation(
            f"{url.scheme}://{url.netloc}", f"{url.path or '/'}?{url.query}" if url.query else url.path
        )

    async def _send(self, address: DocumentLocation, request: Request) -> Answer:
        try:
            response = await self._get_http(address.origin).send(request)
        except (AuthError, RateLimitedError) as error:  # the host of the document answered, not the API
            raise UnavailableError("the URL of the document has expired") from error
        if response.status >= 400:
            raise UnavailableError(f"the URL of the document returned status {response.status}")
        return response

    def _get_http(self, origin: str) -> Http:
        if origin not in self._hosts:
            if len(self._hosts) >= MAX_HOSTS:
                raise ContractError("feed documents have too many different hosts")
            self._hosts[origin] = self._context.http(origin)
        return self._hosts[origin]


def _decompress(body: bytes) -> bytes:
    """Decompress a document, up to the maximum size."""
    decompressor = zlib.decompressobj(wbits=31)
    try:
        content = decompressor.decompress(body, MAX_DOCUMENT_BYTES)
    except zlib.error as error:
        raise ContractError("a document cannot be decompressed") from error
    if not decompressor.eof:
        raise ContractError("a document is truncated or too large")
    return content
