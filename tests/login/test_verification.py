"""Which tokens of shoppers are accepted, and what an issuer that fails does to them (rule C8)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.oidc.issuer import generate_key, sign_token
from gateway.execution.error_codes import Code
from gateway.execution.login import claims, json_web_keys, key_cache, key_client, verifier
from gateway.execution.login.errors import LoginError
from gateway.execution.login.token_parts import parse_token
from gateway.execution.login.verifier import LoginVerifier
from gateway.model.customers.logins import VerifiedLogin
from gateway.settings.login import LoginTable
from tests.gateways import Clock
from tests.login.issuer_server import AUDIENCE, IssuerServer, run_issuer

pytestmark = pytest.mark.anyio

Forge = Callable[[IssuerServer], str]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer(clock: Clock) -> AsyncIterator[IssuerServer]:
    async with run_issuer(clock) as running:
        yield running


class Verify:
    """Verifies tokens of an issuer."""

    def __init__(self, issuer: IssuerServer, clock: Clock, **changes: Any) -> None:
        self.verifier = LoginVerifier({"main": issuer.configure(**changes)}, clock)

    async def __call__(self, token: str) -> VerifiedLogin:
        return (await self.verifier.verify(token)).login

    async def refuse(self, token: str) -> Code:
        """Return the code with which a token is refused."""
        with pytest.raises(LoginError) as caught:
            await self.verifier.verify(token)
        assert token not in str(caught.value)
        return caught.value.code


@pytest.fixture
async def verify(issuer: IssuerServer, clock: Clock) -> AsyncIterator[Verify]:
    verify = Verify(issuer, clock)
    yield verify
    await verify.verifier.close()


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "Ed25519"])
async def test_a_token_of_a_configured_issuer_is_accepted(
    issuer: IssuerServer, verify: Verify, clock: Clock, algorithm: str
) -> None:
    issuer.issuer.add_key(algorithm)
    login = await verify(issuer.issue_token())
    assert (login.issuer, login.subject, login.given_name) == ("main", "person-1", "Ivy")
    assert login.issued_at == login.auth_time == clock()
    assert not login.email_verified  # the configuration does not say that this issuer asserts addresses


async def test_an_address_is_verified_only_if_the_issuer_asserts_it_and_says_so(
    issuer: IssuerServer, clock: Clock
) -> None:
    verify = Verify(issuer, clock, asserts_email=True)
    logins = [await verify(issuer.issue_token(email_verified=value)) for value in (True, False, None, 1.5)]
    assert [login.email_verified for login in logins] == [True, False, False, False]


def swap_algorithm(issuer: IssuerServer) -> str:
    """Sign with HS256 and the public key as the secret."""
    _, key = issuer.issuer.keys[-1]
    head = {"alg": "HS256", "kid": key.kid, "typ": "JWT"}
    signed = ".".join(_encode(part) for part in (head, issuer.issuer.build_claims("person-1", AUDIENCE)))
    digest = hmac.new(key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def sign_with_none(issuer: IssuerServer) -> str:
    claims = issuer.issuer.build_claims("person-1", AUDIENCE)
    return f"{_encode({'alg': 'none'})}.{_encode(claims)}."


def use_another_algorithm_of_the_list(issuer: IssuerServer) -> str:
    """Sign with an RSA key whose entry says RS256, by PS256."""
    key = issuer.issuer.add_key("RS256")
    return sign_token(issuer.issuer.build_claims("person-1", AUDIENCE), "PS256", key)


def sign_with_an_embedded_key(issuer: IssuerServer) -> str:
    """Sign with an own key, which the header brings along."""
    key = generate_key("ES256", issuer.issuer.keys[-1][1].kid or "")
    claims = issuer.issuer.build_claims("person-1", AUDIENCE)
    return sign_token(claims, "ES256", key, jwk=key.as_dict(private=False))


def change_the_subject(issuer: IssuerServer) -> str:
    header, _, signature = issuer.issue_token().split(".")
    return ".".join((header, _encode(issuer.issuer.build_claims("person-2", AUDIENCE)), signature))


def sign_with_an_unknown_key(issuer: IssuerServer) -> str:
    return sign_token(issuer.issuer.build_claims("person-1", AUDIENCE), "ES256", generate_key("ES256", "invented"))


def _encode(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


FORGERIES: list[Forge] = [
    swap_algorithm,
    sign_with_none,
    use_another_algorithm_of_the_list,
    sign_with_an_embedded_key,
    change_the_subject,
    sign_with_an_unknown_key,
    lambda issuer: issuer.issue_token(aud="another"),
    lambda issuer: issuer.issue_token(aud=None),
    lambda issuer: issuer.issue_token(aud=[["storefront"]]),
    lambda issuer: issuer.issue_token(iss="https://elsewhere.example"),
    lambda issuer: issuer.issue_token(iss="https://login.example/"),
    lambda issuer: issuer.issue_token(sub=None),
    lambda issuer: issuer.issue_token(sub=""),
    lambda issuer: issuer.issue_token(sub=17),
    lambda issuer: issuer.issue_token(sub="a\0b"),
    lambda issuer: issuer.issue_token(sub="x" * 256),
    lambda issuer: issuer.issue_token(exp=None),
    lambda issuer: issuer.issue_token(exp="2030-01-01"),
    lambda issuer: issuer.issue_token(exp=True),
    lambda issuer: issuer.issue_token(exp=1e300),
    lambda issuer: issuer.issue_token(iat=None),
    lambda issuer: issuer.issue_token(nbf=issuer.issuer.build_claims("", "")["iat"] + 61),
    lambda issuer: issuer.issue_token(iat=issuer.issuer.build_claims("", "")["iat"] + 61),
    lambda issuer: issuer.issue_token(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
    lambda issuer: issuer.issuer.sign(issuer.issuer.build_claims("person-1", AUDIENCE), typ="logout+jwt"),
    lambda issuer: issuer.issue_token(padding="x" * 16_000),
    lambda _issuer: "a.b.c",
    lambda _issuer: "W10.W10.W10",
]


@pytest.mark.parametrize("forge", FORGERIES)
async def test_any_other_token_is_refused(issuer: IssuerServer, verify: Verify, forge: Forge) -> None:
    assert await verify.refuse(forge(issuer)) is Code.UNAUTHENTICATED


@pytest.mark.parametrize(("seconds", "is_accepted"), [(3_600, True), (3_659, True), (3_660, False), (90_000, False)])
async def test_a_token_is_accepted_for_60_s_after_its_end(
    issuer: IssuerServer, verify: Verify, clock: Clock, seconds: int, is_accepted: bool
) -> None:
    token = issuer.issue_token()
    await verify(token)
    clock.forward(seconds=seconds)
    if is_accepted:
        await verify(token)
    else:
        assert await verify.refuse(token) is Code.TOKEN_EXPIRED


async def test_a_new_key_is_read_once_and_a_removed_one_is_refused(
    issuer: IssuerServer, verify: Verify, clock: Clock
) -> None:
    old = issuer.issue_token()
    await verify(old)
    issuer.issuer.add_key("ES256")
    issuer.issuer.remove_first_key()
    clock.forward(seconds=31)
    await asyncio.gather(*(verify(issuer.issue_token()) for _ in range(20)))
    assert issuer.app.reads == 2
    assert await verify.refuse(old) is Code.UNAUTHENTICATED


async def test_a_flood_of_invented_keys_reads_the_issuers_keys_once_in_30_s(
    issuer: IssuerServer, verify: Verify, clock: Clock
) -> None:
    await verify(issuer.issue_token())
    for _ in range(4):
        clock.forward(seconds=15)
        for token in [sign_with_an_unknown_key(issuer) for _ in range(25)]:
            assert await verify.refuse(token) is Code.UNAUTHENTICATED
    assert issuer.app.reads <= 3
    await verify(issuer.issue_token())


@pytest.mark.parametrize("fault", ["hang", "10 MB", "redirect", "error", "garbage"])
async def test_an_issuer_that_fails_refuses_its_own_tokens_only(
    issuer: IssuerServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(key_client, "TIMEOUT", 0.2)
    issuer.app.fault = fault
    async with run_issuer(clock) as other:
        other.issuer.url = "https://other.example"
        tables = {"main": issuer.configure(), "other": other.configure()}
        both = LoginVerifier(tables, clock)
        results = await asyncio.gather(
            *(both.verify(one.issue_token()) for one in (issuer, other, issuer)), return_exceptions=True
        )
        assert [getattr(result, "code", None) for result in results] == [
            Code.ISSUER_UNAVAILABLE,
            None,
            Code.ISSUER_UNAVAILABLE,
        ]
        assert issuer.app.reads == 1
        issuer.app.fault = ""
        clock.forward(seconds=6)
        assert (await both.verify(issuer.issue_token())).issuer.name == "main"
        await both.close()


async def test_keys_hold_for_a_day_while_the_issuer_is_down(issuer: IssuerServer, verify: Verify, clock: Clock) -> None:
    issuer.issuer.lifetime *= 100
    token = issuer.issue_token()
    await verify(token)
    await issuer.server.close()
    clock.forward(hours=23)
    await verify(token)
    await verify(token)
    clock.forward(hours=1)
    assert await verify.refuse(token) is Code.ISSUER_UNAVAILABLE


async def test_a_private_address_and_http_need_the_configuration(issuer: IssuerServer, clock: Clock) -> None:
    source = key_client.HttpKeySource(issuer.configure().jwks_url, allows_private=False)
    with pytest.raises(key_client.KeysUnavailableError, match="private"):
        await source.read()
    assert issuer.app.reads == 0


def test_keys_of_other_kinds_are_left_out() -> None:
    usable = generate_key("RS256", "good").as_dict(private=False)
    small = {**usable, "n": str(usable["n"])[:171]}
    others = [{"kty": "oct", "k": "c2VjcmV0"}, {**usable, "use": "enc"}, {**usable, "key_ops": ["wrapKey"]}]
    entries = [usable, small, *others]
    keys = json_web_keys.parse_key_set(json.dumps({"keys": entries}).encode())
    assert [key.id for key in keys] == ["good"]


async def test_no_representation_shows_the_shopper(issuer: IssuerServer, verify: Verify) -> None:
    shown = repr(await verify(issuer.issue_token()))
    assert not any(word in shown for word in ("Ivy", "Jackson", "person-1", "example.com"))


@given(st.text(alphabet="abcWX0-_", min_size=1, max_size=40), st.text(alphabet="abcWX0-_.", max_size=40))
def test_no_text_breaks_the_parser(header: str, rest: str) -> None:
    with suppress(LoginError):
        parse_token(f"{header}.{rest}.")


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5),
    st.sampled_from(["aud", "exp", "iat", "nbf", "sub", "auth_time", "email", "locale", "given_name"]),
)
def test_no_claim_breaks_the_check(value: object, name: str) -> None:
    now = Clock()()
    table = {"issuer": "x", "audiences": ["a"], "jwks_url": "https://x.example/keys"}
    good = {"aud": "a", "exp": now.timestamp() + 60, "iat": now.timestamp(), "sub": "s"}
    with suppress(LoginError):
        claims.read_login("x", LoginTable.model_validate(table), good | {name: value}, now)


def accept_any_key(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verifier, "_is_signed", lambda *_: True)


def accept_any_audience(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(claims, "_check_audience", lambda *_: None)


def accept_any_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(claims, "_check_times", lambda *_: None)


def allow_any_algorithm(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(json_web_keys, "_list_algorithms", lambda *_: frozenset(("RS256", "PS256", "ES256")))


@pytest.mark.parametrize(
    ("switch", "forge"),
    [
        (accept_any_key, change_the_subject),
        (accept_any_audience, lambda issuer: issuer.issue_token(aud="another")),
        (accept_any_time, lambda issuer: issuer.issue_token(exp=1)),
        (allow_any_algorithm, use_another_algorithm_of_the_list),
    ],
)
async def test_the_proof_without_a_check_a_forgery_is_accepted(
    issuer: IssuerServer,
    verify: Verify,
    monkeypatch: pytest.MonkeyPatch,
    switch: Callable[[pytest.MonkeyPatch], None],
    forge: Forge,
) -> None:
    await verify.refuse(forge(issuer))
    switch(monkeypatch)
    fresh = LoginVerifier({"main": issuer.configure()}, Clock())
    await fresh.verify(forge(issuer))
    await fresh.close()


async def test_the_proof_without_a_pause_a_flood_reaches_the_issuer(
    issuer: IssuerServer, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_cache, "RETRY_DELAY", timedelta(0))
    for _ in range(10):
        await verify.refuse(sign_with_an_unknown_key(issuer))
    assert issuer.app.reads == 11
