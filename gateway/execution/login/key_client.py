"""HTTP client that reads the keys of an issuer. An issuer that hangs, or sends too much, is given up."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Protocol

import httpx2

TIMEOUT = 5.0
"""Seconds for a whole request."""

MAX_BYTES = 256 * 1024
"""Size of a key set."""


class KeysUnavailableError(Exception):
    """The keys cannot be read. The message says why."""


class KeySource(Protocol):
    """Source of the keys of an issuer."""

    async def read(self) -> bytes:
        """Read the key set.

        Raises:
            KeysUnavailableError: it cannot be read.
        """


@cache
def get_ssl_context() -> SSLContext:
    """Return the trusted certificates, which take 20 ms to load."""
    return httpx2.create_ssl_context(trust_env=False)


class HttpKeySource:
    """Reads a key set by HTTP, without redirects, cookies or proxies.

    Args:
        allows_private: whether the host may have a private address, and may then be called without encryption.
    """

    def __init__(self, url: str, *, allows_private: bool) -> None:
        self._url = httpx2.URL(url)
        self._allows_private = allows_private

    async def read(self) -> bytes:
        """Read the key set, as `KeySource` defines."""
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._read(await self._resolve())
        except TimeoutError as error:
            raise KeysUnavailableError(f"{self._url.host} did not respond within {TIMEOUT:g} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            raise KeysUnavailableError(f"{self._url.host} cannot be read: {type(error).__name__}") from error

    async def _resolve(self) -> str:
        """Resolve the host. The request goes to this address: another lookup could return one that was not checked."""
        host, port = self._url.host, self._url.port or (443 if self._url.scheme == "https" else 80)
        try:
            entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise KeysUnavailableError(f"{host} has no address") from error
        addresses = [str(entry[4][0]) for entry in entries]
        are_public = [ipaddress.ip_address(address).is_global for address in addresses]
        if not self._allows_private and not all(are_public):
            raise KeysUnavailableError(f"{host} has a private address, which private_addresses has to allow")
        if self._url.scheme != "https" and any(are_public):
            raise KeysUnavailableError(f"{host} has a public address and needs https")
        return addresses[0]

    async def _read(self, address: str) -> bytes:
        none, certificates = (
            CookieJar(DefaultCookiePolicy(allowed_domains=())),
            await asyncio.to_thread(get_ssl_context),
        )
        async with httpx2.AsyncClient(
            follow_redirects=False, trust_env=False, cookies=none, verify=certificates, timeout=TIMEOUT
        ) as client:
            request = client.build_request(
                "GET",
                self._url.copy_with(host=address),
                headers={
                    "host": self._url.netloc.decode(),
                    "accept": "application/json",
                    "accept-encoding": "identity",
                },
                extensions={"sni_hostname": self._url.host},
            )
            response = await client.send(request, stream=True)
            try:
                return await self._read_body(response)
            finally:
                await response.aclose()

    async def _read_body(self, response: httpx2.Response) -> bytes:
        if response.status_code != 200:
            raise KeysUnavailableError(f"{self._url.host} responded with the status {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":  # a few bytes could become gigabytes
            raise KeysUnavailableError(f"{self._url.host} sent a compressed response that was not requested")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise KeysUnavailableError(f"{self._url.host} sent more than {MAX_BYTES:,} bytes")
        return bytes(body)
