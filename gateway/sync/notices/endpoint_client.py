"""Endpoint client: posts to an address of the public internet, and reads the status of the response (rule N4)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from gateway.channels.http_client import get_ssl_context
from gateway.channels.public_address import Resolve, is_public_address, resolve_host

TIMEOUT = 5.0
"""Seconds for a try: to resolve the host, to connect, to send, and to wait for the status."""


class EndpointError(Exception):
    """A try failed. The message has nothing of what the endpoint sent, and no address."""


class EndpointClient:
    """Posts to the URL of an endpoint, without redirects, cookies, or proxies of the environment.

    Args:
        allows_private: whether the host may have a private address, and may then be called without encryption.
        resolve: resolves the host.
        transport: replaces the network in tests.
    """

    def __init__(
        self,
        url: str,
        *,
        allows_private: bool = False,
        resolve: Resolve = resolve_host,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = httpx2.URL(url)
        self._allows_private = allows_private
        self._resolve, self._transport = resolve, transport

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        """Post a body. Returns the status of the response.

        Raises:
            EndpointError: there is none.
        """
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._post(await self._choose_address(), headers, body)
        except TimeoutError as error:
            raise EndpointError(f"no response within {TIMEOUT:g} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            raise EndpointError(f"no response: {type(error).__name__}") from error

    async def _choose_address(self) -> str:
        """Resolve the host, at each try: it may have other addresses than at the last one. The request goes to the
        address that was checked: another lookup could return one that was not.
        """
        secure = self._url.scheme == "https"
        try:
            addresses = await self._resolve(self._url.host, self._url.port or (443 if secure else 80))
        except OSError as error:
            raise EndpointError("the host has no address") from error
        are_public = [is_public_address(address) for address in addresses]
        if not addresses or not (self._allows_private or all(are_public)):
            raise EndpointError("the host has an address that is not public; see private_addresses")
        if not secure and any(are_public):
            raise EndpointError("the host has a public address and needs https")
        return addresses[0]

    async def _post(self, address: str, headers: Mapping[str, str], body: bytes) -> int:
        async with self._open_client() as client:
            request = client.build_request(
                "POST",
                self._url.copy_with(host=address),
                content=body,
                headers={"host": self._url.netloc.decode(), "user-agent": "commerce-gateway", **headers},
                extensions={"sni_hostname": self._url.host},
            )
            response = await client.send(request, stream=True)
            await response.aclose()  # its body is not read
            return response.status_code

    def _open_client(self) -> httpx2.AsyncClient:
        """Open a client for one try: a pool would use a connection again for another host at the same address."""
        return httpx2.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            verify=get_ssl_context(),
            timeout=TIMEOUT,
            transport=self._transport,
        )
