"""The issuer: its signing keys, its people, and the tokens it signs."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

SigningKey = RSAKey | ECKey | OKPKey

CODE_LIFETIME = timedelta(minutes=1)

PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "person-1": {
        "given_name": "Ivy",
        "family_name": "Jackson",
        "email": "ivy.jackson@example.com",
        "email_verified": True,
        "locale": "en-GB",
    },
    "person-2": {"given_name": "Noah", "family_name": "Weiss", "email": "noah@example.org", "email_verified": False},
    "person-3": {
        "given_name": "Ruth",
        "family_name": "Palmer",
        "email": "ruth.palmer@example.com",
        "email_verified": True,
        "locale": "en-GB",
    },
}
"""Claims of the people who can log in, by subject."""


@dataclass(frozen=True)
class Grant:
    """An authorization code: who logged in, and what the client has to present for it."""

    subject: str
    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str | None
    expires_at: datetime


class Issuer:
    """An issuer of tokens.

    Attributes:
        url: its issuer identifier.
        clock: the clock by which it issues tokens.
        lifetime: how long its tokens are valid.
        keys: its signing keys; it signs with the last.
    """

    def __init__(self, url: str, clock: Callable[[], datetime], algorithm: str = "ES256") -> None:
        self.url = url
        self.lifetime = timedelta(hours=1)
        self.keys: list[tuple[str, SigningKey]] = []
        self.clock = clock
        self._grants: dict[str, Grant] = {}
        self.add_key(algorithm)

    def add_key(self, algorithm: str) -> SigningKey:
        """Create a key, and sign with it from now on."""
        key = generate_key(algorithm, f"key-{secrets.token_hex(4)}")
        self.keys.append((algorithm, key))
        return key

    def remove_first_key(self) -> None:
        """Stop publishing the oldest key."""
        del self.keys[0]

    def build_key_set(self) -> dict[str, Any]:
        """Build the key set that the issuer publishes."""
        return {"keys": [{**key.as_dict(private=False), "alg": name, "use": "sig"} for name, key in self.keys]}

    def build_claims(self, subject: str, audience: str, **claims: Any) -> dict[str, Any]:
        """Build the claims of a token of this person. `claims`: further ones; None removes one."""
        now = int(self.clock().timestamp())
        lifetime = int(self.lifetime.total_seconds())
        base = {"iss": self.url, "sub": subject, "aud": audience, "iat": now, "exp": now + lifetime, "auth_time": now}
        combined = {**base, **PEOPLE.get(subject, {}), **claims}
        return {name: value for name, value in combined.items() if value is not None}

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Sign a token with the newest key."""
        algorithm, key = self.keys[-1]
        return sign_token(claims, algorithm, key, **header)

    def issue_token(self, subject: str, audience: str, **claims: Any) -> str:
        """Issue a token for a person."""
        return self.sign(self.build_claims(subject, audience, **claims))

    def create_code(
        self, subject: str, client_id: str, redirect_uri: str, challenge: str, nonce: str | None = None
    ) -> str:
        """Create an authorization code for a person who has logged in."""
        code = secrets.token_urlsafe(24)
        expires_at = self.clock() + CODE_LIFETIME
        self._grants[code] = Grant(subject, client_id, redirect_uri, challenge, nonce, expires_at)
        return code

    def accept_code(self, code: str, client_id: str, redirect_uri: str, verifier: str) -> str | None:
        """Exchange a code for a token. None: the code is unknown, used, expired, or of another client (PKCE)."""
        grant = self._grants.pop(code, None)
        if grant is None or grant.expires_at <= self.clock():
            return None
        if (grant.client_id, grant.redirect_uri) != (client_id, redirect_uri):
            return None
        if not secrets.compare_digest(grant.challenge, compute_challenge(verifier)):
            return None
        return self.issue_token(grant.subject, client_id, nonce=grant.nonce)


def generate_key(algorithm: str, key_id: str) -> SigningKey:
    """Generate a key for an algorithm."""
    parameters: Any = {"kid": key_id}
    if algorithm.startswith("ES"):
        return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384"}.get(algorithm, "P-521"), parameters)
    if algorithm.startswith("Ed"):
        return OKPKey.generate_key("Ed25519", parameters)
    return RSAKey.generate_key(2048, parameters)


def sign_token(claims: Mapping[str, Any], algorithm: str, key: Any, **header: Any) -> str:
    """Sign a token. `header`: parameters of its header, beside the algorithm and the id of the key."""
    named = {"alg": algorithm, "kid": key.kid, "typ": "JWT", **header}
    present = {name: value for name, value in named.items() if value is not None}
    return jwt.encode(present, dict(claims), key, algorithms=[algorithm])


def compute_challenge(verifier: str) -> str:
    """Compute the PKCE challenge of a verifier (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
