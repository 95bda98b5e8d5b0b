"""Identification of the client of a request, and which proxies are trusted about it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.config import SellingConfig
from gateway.commerce.topology import Topology
from gateway.execution.login.registry import LoginRegistry
from gateway.execution.token_registry import TokenRegistry
from gateway.http.auth import ClientIdentifier
from gateway.http.rate_limit.client_address import find_network
from gateway.runtime.login_binding import LoginBinding, SignedShopperTokens
from gateway.settings.schema import TokenTable
from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from tests.gateways import Clock

TOKENS = {"staff": TokenTable.model_validate({"token": "secret", "scopes": []})}
T = TypeVar("T")
PROXIES = ("10.0.0.0/8", "fd00::/8")


class Identify(Protocol):
    def __call__(
        self, peer: str, *forwarded: str, trusted: tuple[str, ...] = PROXIES, authorization: str | None = None
    ) -> str: ...


@pytest.fixture(scope="module")
def identify(tmp_path_factory: pytest.TempPathFactory) -> Identify:
    """Identifies clients of a gateway with one token, in its configuration."""
    url = f"sqlite:///{tmp_path_factory.mktemp('tokens') / 'gateway.db'}"
    asyncio.run(_use(Database(url), migrate))

    def identify(
        peer: str, *forwarded: str, trusted: tuple[str, ...] = PROXIES, authorization: str | None = None
    ) -> str:
        headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
        if authorization is not None:
            headers.append((b"authorization", authorization.encode()))
        scope: dict[str, Any] = {"client": (peer, 1), "headers": headers}

        async def run(database: Database) -> str:
            registry = TokenRegistry(database, TOKENS, Clock())
            binding = LoginBinding(database, SellingConfig(topology=Topology(), secret=b"x"), Clock())
            logins = LoginRegistry({}, binding, SignedShopperTokens([b"x"]), Clock())
            return (await ClientIdentifier(registry, logins, trusted, Clock()).identify(scope)).key

        return asyncio.run(_use(Database(url), run))

    return identify


async def _use(database: Database, work: Callable[[Database], Awaitable[T]]) -> T:
    try:
        return await work(database)
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.7",), "192.0.2.1"),  # any client can send this header
        ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        (
            "10.0.0.1",
            ("203.0.113.9, 198.51.100.7, 10.0.0.2",),
            "198.51.100.7",
        ),  # the part that the client wrote itself comes first
        ("10.0.0.1", ("203.0.113.9", "198.51.100.7"), "198.51.100.7"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", (), "192.0.2.1"),
        ("fd00::1", ("2001:db8::9",), "2001:db8::/64"),
        ("", (), ""),
    ],
)
def test_the_address_of_a_client_is_the_last_untrusted_hop(
    identify: Identify, peer: str, forwarded: tuple[str, ...], expected: str
) -> None:
    assert identify(peer, *forwarded) == expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_the_network_of_a_client_is_a_24_or_a_64(address: str, network: str) -> None:
    assert find_network(address) == network


def test_without_trusted_proxies_the_header_says_nothing(identify: Identify) -> None:
    assert identify("10.0.0.1", "198.51.100.7", trusted=()) == "10.0.0.1"


def test_a_known_token_identifies_its_client_and_an_unknown_one_no_other(identify: Identify) -> None:
    assert identify("192.0.2.1", authorization="Bearer secret") == "token staff"
    assert identify("192.0.2.1", authorization="Bearer guess") == "192.0.2.1"


@given(
    forwarded=st.lists(st.text(alphabet="0123456789abcdef.:, \u00e9", max_size=30), max_size=4),
    peer=st.text(max_size=20),
)
def test_nothing_that_is_sent_breaks_it(identify: Identify, forwarded: list[str], peer: str) -> None:
    assert isinstance(identify("10.0.0.1", *forwarded), str)
    assert isinstance(identify(peer, *forwarded), str)
