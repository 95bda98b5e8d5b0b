"""Number of units in one listing. Stock is counted in listings and multiplied by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.sdk import InvalidValueError
from gateway.sdk.json_access import Shape
from gateway_amazon.config import AmazonConfig
from gateway_amazon.listing_search import ListingSearch
from gateway_amazon.product_mapping import get_units_per_listing


class PackSizes:
    """Caches the units per listing. Unknown SKUs are requested."""

    def __init__(self, config: AmazonConfig, search: ListingSearch) -> None:
        self._config, self._search = config, search
        self._units: dict[str, int] = {}

    def record_listings(self, items: Iterable[Shape]) -> None:
        """Store the units of listings that were read. An invalid listing is skipped; its own feed rejects it."""
        for item in items:
            try:
                self._units[item["sku"]] = get_units_per_listing(item, self._config)
            except (InvalidValueError, KeyError, TypeError):
                continue  # its own feed rejects it

    async def get_units(self, skus: Iterable[str]) -> Mapping[str, int]:
        """Return units by SKU; 1 for a listing that no longer exists."""
        requested = sorted(set(skus))
        unknown = [
            sku for sku in requested if sku not in self._units and sku not in self._config.units and is_requestable(sku)
        ]
        if unknown and self._config.pack_attributes:
            self.record_listings((await self._search.find_by_sku(unknown, "attributes")).values())
        return {sku: self._config.units.get(sku) or self._units.setdefault(sku, 1) for sku in requested}


def is_requestable(sku: str) -> bool:
    """Whether a SKU can be requested. An invalid SKU is rejected with its record and must not block others."""
    return sku.isprintable() and len(sku) <= 255
