"""Amazon's marketplaces and their product pages."""

from __future__ import annotations

from urllib.parse import quote

MARKETPLACE_DOMAINS = {
    "A1F83G8C2ARO7P": "co.uk",
    "A1PA6795UKMFR9": "de",
    "A13V1IB3VIYZZH": "fr",
    "APJ6JRA9NG5V4": "it",
    "A1RKKUPIHCS9HS": "es",
    "A1805IZSGTT6HS": "nl",
    "AMEN7PMS3EDWL": "com.be",
    "A28R8C7NBKEWEA": "ie",
    "A2NODRKZP88ZB9": "se",
    "A1C3SOZRARQ6R3": "pl",
    "A33AVAJ2PDY3EV": "com.tr",
    "ATVPDKIKX0DER": "com",
    "A2EUQ1WTGCTBG2": "ca",
    "A1AM78C64UM0Y8": "com.mx",
    "A2Q3Y263D00KWC": "com.br",
    "A1VC38T7YXB528": "co.jp",
    "A39IBJ37TRP1C6": "com.au",
    "A19VAU5U5O7RUS": "sg",
    "A21TJRUUN4KGV": "in",
    "A2VIGQ35RCS4UG": "ae",
    "A17E79C6D8DWNP": "sa",
    "ARBP9OOSHTCHU": "eg",
}
"""Domains by marketplace ID. Source: Amazon's list of marketplace IDs."""

RELAY_DOMAINS = frozenset(f"marketplace.amazon.{domain}" for domain in MARKETPLACE_DOMAINS.values())
"""Domains of the addresses under which buyers receive messages of sellers."""


def build_product_url(store: str, asin: str | None) -> str | None:
    """Return the URL of a product page; None if the marketplace or the ASIN is unknown."""
    if store not in MARKETPLACE_DOMAINS or not asin:
        return None
    return f"https://www.amazon.{MARKETPLACE_DOMAINS[store]}/dp/{quote(asin, safe='')}"
