"""Keyed values: digests of erased values, and encrypted files. The keys are outside of the database (rule C12)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from enum import Enum

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from gateway.commerce.config import SellingConfig


class DigestKind(Enum):
    """What a digest was computed of.

    Attributes:
        RECORD: a record of a channel, or a login.
        EMAIL: an email address.
        DENIAL: a purpose and an address that somebody has denied.
    """

    RECORD = "RECORD"
    EMAIL = "EMAIL"
    DENIAL = "DENIAL"


def get_keys(config: SellingConfig) -> Sequence[bytes]:
    """Return the keys: that which writes, then those that were replaced."""
    return config.privacy.keys or config.secrets


def build_digest(key: bytes, kind: DigestKind, *values: str) -> str:
    """Build the digest of a value. Phone numbers and addresses are few enough to be guessed without the key."""
    message = "\0".join(("suppression", kind.value, *values))
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


def build_digests(config: SellingConfig, kind: DigestKind, *values: str) -> list[str]:
    """Build the digests of a value with every key."""
    return [build_digest(key, kind, *values) for key in get_keys(config)]


def build_key_id(key: bytes) -> str:
    """Build the name of a key, which does not tell it."""
    return hashlib.sha256(b"key id\0" + key).hexdigest()[:8]


def encrypt(config: SellingConfig, content: bytes) -> str:
    """Encrypt a file."""
    return _build_fernet(config).encrypt(content).decode()


def decrypt(config: SellingConfig, content: str) -> bytes | None:
    """Decrypt a file. None: its key is gone."""
    try:
        return _build_fernet(config).decrypt(content)
    except InvalidToken:
        return None


def _build_fernet(config: SellingConfig) -> MultiFernet:
    keys = [hashlib.sha256(b"privacy file\0" + key).digest() for key in get_keys(config)]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def build_download_token(config: SellingConfig, request_id: str) -> str:
    """Build the token by which the file of an export is downloaded."""
    return f"{request_id}.{_sign(get_keys(config)[0], request_id)}"


def read_download_token(config: SellingConfig, token: str) -> str | None:
    """Return the request of a token. None: it is not valid."""
    request_id, _, mac = token.partition(".")
    valid = [hmac.compare_digest(mac.encode(), _sign(key, request_id).encode()) for key in get_keys(config)]
    return request_id if any(valid) else None


def _sign(key: bytes, request_id: str) -> str:
    return hmac.new(key, f"download\0{request_id}".encode(), hashlib.sha256).hexdigest()[:40]
