"""A webhook goes to the public internet, and to the address that was checked (rule N4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx2
import pytest

from gateway.channels import public_address
from gateway.channels.public_address import is_public_address
from gateway.sync.notices import endpoint_client
from gateway.sync.notices.endpoint_client import EndpointClient, EndpointError
from tests.sync.notices.receiver import PUBLIC, Receiver

pytestmark = pytest.mark.anyio

NOT_PUBLIC = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200"),
    *("0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1", "168.63.129.16", "240.0.0.1", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1", "2001:db8::1", "fec0::1"),
    *("::ffff:127.0.0.1", "::ffff:203.0.114.7", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "::7f00:1"),
)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_recognized(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_a_public_address_is_recognized(address: str) -> None:
    assert is_public_address(address)


@pytest.mark.parametrize("others", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], [PUBLIC, "8.8.8.8", "::1"], []])
async def test_nothing_is_sent_if_any_address_is_not_public(others: list[str]) -> None:
    receiver = Receiver()
    with pytest.raises(EndpointError):
        await receiver.build_client("https://shop.example/", others).post({}, b"{}")
    assert receiver.requests == []


async def test_the_check_of_all_addresses_is_what_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proof: with a check of the first address only, the request is sent."""
    receiver = Receiver()
    monkeypatch.setattr(endpoint_client, "is_public_address", lambda address: True)
    assert await receiver.build_client("https://shop.example/", [PUBLIC, "127.0.0.1"]).post({}, b"{}") == 200


async def test_the_request_goes_to_the_address_that_was_checked_with_the_name_of_the_host() -> None:
    receiver = Receiver()
    await receiver.build_client("https://shop.example:8443/hook?a=b", [PUBLIC, "8.8.8.8"]).post({}, b"{}")
    (request,) = receiver.requests
    assert str(request.url) == f"https://{PUBLIC}:8443/hook?a=b"
    assert request.headers["host"] == "shop.example:8443"
    assert request.extensions["sni_hostname"] == "shop.example"


async def test_each_try_resolves_the_host_once() -> None:
    """A name that resolves to another address after the check, or at the next try, gets nothing."""
    answers = iter([[PUBLIC], ["169.254.169.254"]])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(answers)

    receiver = Receiver()
    client = EndpointClient("https://shop.example/", resolve=resolve, transport=httpx2.MockTransport(receiver))
    await client.post({}, b"{}")
    with pytest.raises(EndpointError):
        await client.post({}, b"{}")
    assert [request.url.host for request in receiver.requests] == [PUBLIC]


async def test_a_redirect_is_not_followed_and_proxies_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    async def redirect(request: httpx2.Request) -> httpx2.Response:
        assert request.url.host == PUBLIC
        return httpx2.Response(307, headers={"location": "http://127.0.0.1/", "set-cookie": "a=b"})

    receiver = Receiver()
    client = receiver.build_client("https://shop.example/")
    client._transport = httpx2.MockTransport(redirect)
    assert await client.post({}, b"{}") == 307


async def test_a_hanging_lookup_ends_with_the_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_client, "TIMEOUT", 0.01)

    async def wait(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(EndpointError, match="no response within"):
        await EndpointClient("https://shop.example/", resolve=wait).post({}, b"{}")


async def test_without_encryption_only_a_private_host_is_called() -> None:
    receiver = Receiver()
    private = receiver.build_client("http://mailer.internal:8025/", ["10.0.0.7"], allows_private=True)
    assert await private.post({}, b"{}") == 200
    with pytest.raises(EndpointError):
        await receiver.build_client("http://mailer.internal/", [PUBLIC], allows_private=True).post({}, b"{}")


def test_a_platform_address_is_public_to_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proof: without the list, the address of a cloud's platform is public."""
    monkeypatch.setattr(public_address, "PLATFORM_ADDRESSES", frozenset())
    assert is_public_address("168.63.129.16")
