"""JSON Web Key Sets (RFC 7517): the public keys that an issuer signs tokens with.

A key fixes the algorithms that it verifies. A key that cannot be used is left out: issuers publish keys of other kinds,
too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

PublicKey = RSAKey | ECKey | OKPKey

MAX_KEYS = 100
"""Keys of an issuer; further ones are left out."""

RSA_LENGTHS = range(342, 1_367)
"""Characters of the modulus of RSA keys, of 2,048 to 8,192 bits: smaller ones are not safe, larger ones take long."""

_KEY_TYPES: dict[str, type[PublicKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}

_RSA_ALGORITHMS = frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"))

_CURVE_ALGORITHMS = {
    "P-256": frozenset(("ES256",)),
    "P-384": frozenset(("ES384",)),
    "P-521": frozenset(("ES512",)),
    "Ed25519": frozenset(("Ed25519", "EdDSA")),
}
"""Algorithms by curve."""


class InvalidKeySetError(Exception):
    """This is not a key set, or none of its keys can be used."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key of an issuer. `algorithms`: those that it verifies."""

    id: str | None
    algorithms: frozenset[str]
    thumbprint: str
    key: PublicKey = field(repr=False)


def parse_key_set(content: bytes) -> tuple[VerificationKey, ...]:
    """Parse a key set.

    Raises:
        InvalidKeySetError: it is not one, or none of its keys can be used.
    """
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidKeySetError("the key set is not JSON") from error
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise InvalidKeySetError("the key set has no list of keys")
    keys = tuple(_list_usable(entries[:MAX_KEYS]))
    if not keys:
        raise InvalidKeySetError("the key set has no key that verifies signatures")
    return keys


def find_keys(keys: Sequence[VerificationKey], key_id: str | None, algorithm: str) -> list[VerificationKey]:
    """Find the keys that may have signed a token. A token without a key id is signed with any of them."""
    return [key for key in keys if algorithm in key.algorithms and key_id in (None, key.id)]


def _list_usable(entries: list[Any]) -> Iterator[VerificationKey]:
    for entry in entries:
        key = _parse_key(entry) if isinstance(entry, dict) else None
        if key is not None:
            yield key


def _parse_key(entry: dict[str, Any]) -> VerificationKey | None:
    """Parse a key. None: it does not verify signatures, or not safely."""
    key_class = _KEY_TYPES.get(str(entry.get("kty")))
    if key_class is None or not _is_for_signatures(entry) or not _is_safe(entry):
        return None
    try:
        key = key_class.import_key({name: entry[name] for name in ("kty", *_list_public_names(entry))})
        algorithms = _list_algorithms(key, entry)
        thumbprint = key.thumbprint()
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    id_ = entry.get("kid")
    return VerificationKey(id_ if isinstance(id_, str) else None, algorithms, thumbprint, key) if algorithms else None


def _is_for_signatures(entry: dict[str, Any]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return entry.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _is_safe(entry: dict[str, Any]) -> bool:
    return entry["kty"] != "RSA" or len(str(entry.get("n"))) in RSA_LENGTHS


def _list_public_names(entry: dict[str, Any]) -> list[str]:
    """List the names of the public parameters. Private ones of an issuer that publishes them are not stored."""
    return [name for name in ("n", "e", "crv", "x", "y") if name in entry]


def _list_algorithms(key: PublicKey, entry: dict[str, Any]) -> frozenset[str]:
    """List the algorithms that a key verifies: those of its kind, or the one that it names."""
    possible = _RSA_ALGORITHMS if isinstance(key, RSAKey) else _CURVE_ALGORITHMS.get(key.curve_name, frozenset())
    return possible & {entry["alg"]} if "alg" in entry else possible
