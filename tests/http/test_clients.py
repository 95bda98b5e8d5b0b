"""Whose request it is, and who is believed about that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.auth import Tokens
from gateway.http.clients import Clients
from gateway.settings import TokenTable

TOKENS = Tokens({"staff": TokenTable.model_validate({"token": "secret", "scopes": []})})
PROXIES = ("10.0.0.0/8", "fd00::/8")


def key(peer: str, *forwarded: str, trusted: tuple[str, ...] = PROXIES, authorization: str | None = None) -> str:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    if authorization is not None:
        headers.append((b"authorization", authorization.encode()))
    scope: dict[str, Any] = {"client": (peer, 1), "headers": headers}
    return Clients(TOKENS, trusted).of(scope).key


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.7",), "192.0.2.1"),  # anybody can say so
        ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.9, 198.51.100.7, 10.0.0.2",), "198.51.100.7"),  # what she says herself comes first
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
def test_an_address_is_the_last_one_that_nobody_trusted_tells(
    peer: str, forwarded: tuple[str, ...], expected: str
) -> None:
    assert key(peer, *forwarded) == expected


def test_without_trusted_proxies_the_header_says_nothing() -> None:
    assert key("10.0.0.1", "198.51.100.7", trusted=()) == "10.0.0.1"


def test_a_known_token_is_its_own_client_and_an_unknown_one_is_nobody_else() -> None:
    assert key("192.0.2.1", authorization="Bearer secret") == "token staff"
    assert key("192.0.2.1", authorization="Bearer guess") == "192.0.2.1"


@given(st.lists(st.text(alphabet="0123456789abcdef.:, \u00e9", max_size=30), max_size=4), st.text(max_size=20))
def test_nothing_that_is_sent_breaks_it(forwarded: list[str], peer: str) -> None:
    assert isinstance(key("10.0.0.1", *forwarded), str)
    assert isinstance(key(peer, *forwarded), str)
